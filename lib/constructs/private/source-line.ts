import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A stack that was captured but not yet turned into text, which is the costly part and often never needed. */
export interface CapturedStack {
  readonly stack?: string;
}

/** Frames we look at: our own constructors, the user's line, and room for a library of constructs in between. */
const DEPTH = 10;

const PACKAGE = path.resolve(__dirname, '../../..');
/** Compiled code is in dist, but a source map shows it where it was written. */
const OWN_CODE = [path.join(PACKAGE, 'lib') + path.sep, path.join(PACKAGE, 'dist') + path.sep];
const CONSTRUCTS_CODE = '/node_modules/constructs/';
const LIBRARY_CODE = '/node_modules/';

/** `at NAME (FILE:1:2)` or `at FILE:1:2`. */
const FRAME = /^\s+at (?:async )?(?:(?![/\\]|file:|[A-Za-z]:\\).*? \()?(.+?):(\d+):(\d+)\)?$/;

/** Remembers where in the code we are. Takes some microseconds. */
export function captureStack(): CapturedStack {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const captured: CapturedStack = {};
  Error.captureStackTrace(captured, captureStack);
  Error.stackTraceLimit = limit;
  return captured;
}

/**
 * The user's line in a captured stack, as `file:line:column` relative to a directory; undefined when there is none.
 *
 * That is the first frame outside of this package, constructs and node itself; one in another installed package counts
 * only when there is no better. Source maps apply as they do to `error.stack` (ts-node, --enable-source-maps).
 */
export function userLine({ stack }: CapturedStack, directory: string): string | undefined {
  const frames = (stack ?? '').split('\n').flatMap((line) => parseFrame(line) ?? []);
  const frame = frames.find(({ file }) => !file.includes(LIBRARY_CODE)) ?? frames[0];
  if (frame === undefined) return undefined;
  const relative = path.relative(directory, frame.file).split(path.sep).join('/');
  return `${relative}:${frame.position}`;
}

function parseFrame(line: string): { readonly file: string; readonly position: string } | undefined {
  const [, place, row, column] = FRAME.exec(line) ?? [];
  if (place === undefined || row === undefined || column === undefined) return undefined;
  const file = place.startsWith('file:') ? fileURLToPath(place) : place;
  const isForeign =
    path.isAbsolute(file) && !file.includes(CONSTRUCTS_CODE) && !OWN_CODE.some((own) => file.startsWith(own));
  return isForeign ? { file, position: `${row}:${column}` } : undefined;
}
