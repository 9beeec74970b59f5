import * as fs from 'node:fs';
import * as path from 'node:path';
import { didYouMean, errnoOf, messageOf } from '../../core';
import { show, suggestion } from './checks';
import type { Reporter } from './problems';

/** Names looked at for a suggestion. */
const MAX_SIBLINGS = 2000;

/**
 * What there is at a path of the user's; reports STACK2007 when there is nothing. The link counts and not what it points to, which may
 * exist only in the image; a trailing slash asks for a directory.
 * @param directory the app's directory, where a relative path starts
 */
export function lookAt(
  { report, directory }: { readonly report: Reporter; readonly directory: string },
  what: string,
  source: string,
): fs.Stats | undefined {
  // path.resolve would drop the slash.
  const file = path.isAbsolute(source) ? source : `${directory}/${source}`;
  try {
    return fs.lstatSync(file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') {
      report('STACK2007', `${what} ${show(source)} does not exist`, hintFor(directory, source));
    } else if (errno === 'ENOTDIR') {
      report('STACK2007', `${what} ${show(source)} does not exist: a part of it is a file and not a directory`);
    } else {
      report('STACK2007', `${what} ${show(source)} cannot be looked at: ${messageOf(error)}`);
    }
    return undefined;
  }
}

/** Looks for what was meant beside the first part of the path that is missing. */
function hintFor(directory: string, source: string): string {
  const isAbsolute = path.isAbsolute(source);
  const parts = source.split('/').filter((part) => part !== '');
  const start = isAbsolute ? '/' : directory;
  for (const [index, part] of parts.entries()) {
    const before = parts.slice(0, index);
    if (fs.existsSync(path.join(start, ...before, part))) continue;
    const meant = didYouMean(part, namesIn(path.join(start, ...before)));
    if (meant === undefined) break;
    return suggestion((isAbsolute ? '/' : '') + [...before, meant, ...parts.slice(index + 1)].join('/')) ?? '';
  }
  return isAbsolute ? 'create it first' : "paths are relative to the app's directory, where cdk-stack.json is";
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory).slice(0, MAX_SIBLINGS);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return []; // a directory that cannot be listed has no suggestion; the report is about the file
  }
}
