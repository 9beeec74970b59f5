import { createHash } from 'node:crypto';
import { StackError } from '../core';

/** The algorithm of a digest, such as `sha256`. */
export function algorithmOf(digest: string): string {
  return digest.slice(0, digest.indexOf(':'));
}

/** The digest of some bytes with the algorithm another digest has. */
export function digestLike(digest: string, content: Uint8Array): string {
  const algorithm = algorithmOf(digest);
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

/** What content should be. */
export interface Expected {
  readonly digest: string;
  readonly size: number;
}

/** Checks content piece by piece: too much is found at once, a wrong digest at the end. */
export class ContentCheck {
  private readonly hash;
  private seen = 0;

  /** @param where names the content, for messages */
  public constructor(
    private readonly expected: Expected,
    private readonly where: string,
  ) {
    this.hash = createHash(algorithmOf(expected.digest));
  }

  /** Bytes seen so far. */
  public get bytes(): number {
    return this.seen;
  }

  /** @throws StackError STACK6109 */
  public update(piece: Uint8Array): void {
    this.seen += piece.length;
    if (this.seen > this.expected.size) throw this.failure(`more than ${String(this.expected.size)} bytes`);
    this.hash.update(piece);
  }

  /** @throws StackError STACK6109 */
  public end(): void {
    if (this.seen < this.expected.size) {
      throw this.failure(`${String(this.seen)} bytes instead of ${String(this.expected.size)}`);
    }
    const actual = `${algorithmOf(this.expected.digest)}:${this.hash.digest('hex')}`;
    if (actual !== this.expected.digest) throw this.failure(`the digest ${actual}`);
  }

  private failure(what: string): StackError {
    return new StackError('STACK6109', `${this.where}: ${this.expected.digest} came with ${what}`, {
      hint: 'the blob is corrupted in the registry or on the way; publish it again, or look at proxies in between',
    });
  }
}
