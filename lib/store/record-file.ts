import { createHash } from 'node:crypto';

/** What stands before the content of a record: what it is a record of, and what its content must be. */
interface RecordHeader {
  readonly kind: string;
  readonly key: string;
  readonly sha256: string;
}

/** The content of a record's file: a line with its kind, its key and the sha256 of what follows, then the record as JSON. */
export function recordText(kind: string, key: string, record: unknown): string {
  const content = JSON.stringify(record);
  const header: RecordHeader = { kind, key, sha256: sha256Of(kind, key, content) };
  return `${JSON.stringify(header)}\n${content}`;
}

/**
 * Reads the file of a record.
 * @returns undefined when it is damaged, or the record of something else
 */
export function parseRecord(kind: string, key: string, text: string): { readonly record: unknown } | undefined {
  const end = text.indexOf('\n');
  const content = text.slice(end + 1);
  try {
    const { kind: ofKind, key: ofKey, sha256 } = Object(JSON.parse(text.slice(0, end))) as Partial<RecordHeader>;
    if (ofKind !== kind || ofKey !== key || sha256 !== sha256Of(kind, key, content)) return undefined;
    return { record: JSON.parse(content) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function sha256Of(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${String(part.length)}:${part}`);
  return hash.digest('hex');
}
