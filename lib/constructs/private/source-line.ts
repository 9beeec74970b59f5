import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A stack that was captured but not yet turned into text, which is the costly part and often never needed. */
export interface CapturedStack {
  readonly stack?: string;
}

/** Frames we look at: the user's line, and room for an installed library of constructs before it. */
const DEPTH = 8;

const LIBRARY_CODE = '/node_modules/';

/** `at NAME (FILE:1:2)` or `at FILE:1:2`. */
const FRAME = /^\s+at (?:async )?(?:(?![/\\]|file:|[A-Za-z]:\\).*? \()?(.+?):(\d+):(\d+)\)?$/;

/**
 * Remembers where in the code we are. Takes some microseconds.
 * @param below the class whose constructor is running, or a function of ours that the user has called; its frame and those it called are left out, whatever file a bundler or
 *   a source map puts them in
 */
export function captureStack(below: NewableFunction | CallableFunction): CapturedStack {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const captured: CapturedStack = {};
  Error.captureStackTrace(captured, below);
  Error.stackTraceLimit = limit;
  return captured;
}

/**
 * The user's line in a captured stack, as `file:line:column` relative to a directory; undefined when there is none.
 *
 * That is the first frame outside of node itself; one in an installed package counts only when there is no better. Source maps
 * apply as they do to `error.stack` (ts-node, --enable-source-maps).
 */
export function userLine({ stack }: CapturedStack, directory: string): string | undefined {
  let inLibrary: Frame | undefined;
  for (const line of (stack ?? '').split('\n')) {
    const frame = parseFrame(line);
    if (frame !== undefined && !frame.file.includes(LIBRARY_CODE)) return format(frame, directory);
    inLibrary ??= frame;
  }
  return inLibrary && format(inLibrary, directory);
}

interface Frame {
  readonly file: string;
  /** `line:column` */
  readonly position: string;
}

function parseFrame(line: string): Frame | undefined {
  const [, place, row, column] = FRAME.exec(line) ?? [];
  if (place === undefined || row === undefined || column === undefined) return undefined;
  const file = place.startsWith('file:') ? fileURLToPath(place) : place;
  return path.isAbsolute(file) ? { file, position: `${row}:${column}` } : undefined;
}

function format({ file, position }: Frame, directory: string): string {
  return `${path.relative(directory, file).split(path.sep).join('/')}:${position}`;
}
