import type { Environment } from './environment';
import type { SandboxSecret } from './run-options';

/** Stands for a secret in what a script writes. */
const REDACTED = '***';
/** A line of a secret, such as of a key, is one by itself unless it is too short to tell. */
const SHORTEST_LINE = 8;

/** Whether a script reads a secret from a file, not from its environment. */
export function isSecretFile({ target }: SandboxSecret): boolean {
  return target.startsWith('/');
}

/** The secrets that are variables; the end of a line, which files mostly have, is no part of those. */
export function secretVariables(secrets: readonly SandboxSecret[]): Environment {
  const variables = secrets.filter((secret) => !isSecretFile(secret));
  return Object.fromEntries(variables.map(({ target, content }) => [target, content.toString().replace(/\r?\n$/, '')]));
}

/** Replaces secrets in a stream of bytes, also those that a chunk has only a part of. */
export class Redactor {
  /** As latin1, in which every byte is a character; longer ones first, which may contain others. */
  private readonly texts: readonly string[];
  private readonly pattern: RegExp | undefined;
  private pending = '';

  public constructor(secrets: readonly SandboxSecret[]) {
    const texts = new Set(secrets.flatMap(({ content }) => forms(content.toString('latin1'))));
    this.texts = [...texts].sort((a, b) => b.length - a.length);
    if (this.texts.length > 0) this.pattern = new RegExp(this.texts.map(escapePattern).join('|'), 'g');
  }

  /** What may be shown by now. */
  public write(chunk: Buffer): Buffer {
    if (this.pattern === undefined) return chunk;
    const text = (this.pending + chunk.toString('latin1')).replace(this.pattern, REDACTED);
    const shown = text.length - this.begun(text);
    this.pending = text.slice(shown);
    return Buffer.from(text.slice(0, shown), 'latin1');
  }

  /** The rest, at the end of the stream. */
  public end(): Buffer {
    const rest = Buffer.from(this.pending, 'latin1');
    this.pending = '';
    return rest;
  }

  /** How many characters at the end may be the beginning of a secret. */
  private begun(text: string): number {
    let longest = 0;
    for (const secret of this.texts) {
      for (let length = Math.min(secret.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(secret.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}

/** What of a secret is to be hidden: all of it, and its lines. */
function forms(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [secret.trim(), ...lines.filter((line) => line.length >= SHORTEST_LINE)].filter((text) => text !== '');
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
