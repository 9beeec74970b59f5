import * as fs from 'node:fs';
import * as path from 'node:path';
import { clean } from './text';

/** One line of the user's code. */
export interface Excerpt {
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly text: string;
}

const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/** The line a `file:line:column` names, relative to a directory; undefined when it cannot be shown. */
export function readExcerpt(directory: string, source: string): Excerpt | undefined {
  const match = /^(.+):(\d+):(\d+)$/.exec(source);
  if (match?.[1] === undefined) return undefined;
  const line = Number(match[2]);
  const raw = readLine(path.resolve(directory, match[1]), line);
  if (raw === undefined || raw.trim() === '') return undefined;
  // A tab is one column to the compiler and two on the screen.
  const column = clean(raw.slice(0, Number(match[3]) - 1)).length + 1;
  return { line, column, text: clean(raw) };
}

function readLine(file: string, line: number): string | undefined {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile() || stat.size > MAX_SOURCE_BYTES) return undefined;
    return fs.readFileSync(file, 'utf8').split(/\r?\n/)[line - 1];
  } catch {
    // The place is still told; only its text is not there, as in an output synthesized elsewhere.
    return undefined;
  }
}
