import * as fs from 'node:fs';
import * as path from 'node:path';
import { ERROR_CODES, StackError, joinErrors, messageOf, type ErrorCode } from '../core';
import type { ShellEnd } from './shell-command';

const MAX_ERROR_FILE_BYTES = 4 * 1024 * 1024;
const MAX_TELLING_LINES = 5;

/**
 * The error an app left in STACK_ERROR_FILE; undefined when it left none.
 * @throws StackError STACK2001 when the file is not an error report.
 */
export function readReportedError(file: string): StackError | undefined {
  if (!fs.existsSync(file)) return undefined;
  try {
    const { size } = fs.statSync(file);
    if (size > MAX_ERROR_FILE_BYTES) throw new Error(`it has ${String(size)} bytes`);
    return fromReport(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch (error) {
    throw new StackError('STACK2001', `the app failed, and its error report cannot be read: ${messageOf(error)}`, {
      hint: 'the app may use another version of cdk-stack than this command; install one for both',
      cause: error,
    });
  }
}

/** The reverse of `StackError.toJSON`, for a file that anything may have written. */
function fromReport(report: unknown): StackError {
  if (typeof report !== 'object' || report === null) throw new Error('an error is not an object');
  const { code, message, path: constructPath, source, hint, others } = report as Record<string, unknown>;
  if (!isErrorCode(code)) throw new Error(`unknown error code ${JSON.stringify(code)}`);
  if (typeof message !== 'string') throw new Error('an error has no message');
  const error = new StackError(code, message, {
    constructPath: textOrNothing(constructPath),
    source: textOrNothing(source),
    hint: textOrNothing(hint),
  });
  return joinErrors([error, ...(Array.isArray(others) ? others.map(fromReport) : [])]);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** What to say about a command that failed without an error report: how it ended, and what it said last. */
export function crashError(what: string, command: string, end: ShellEnd, directory: string): StackError {
  const said = tellingLines(end.tail);
  const because = said === '' ? '' : `: ${said}`;
  return new StackError('STACK2001', `${what}${howItEnded(end)}${because}`, {
    source: placeOfCrash(end.tail, directory),
    hint: hintFor(end, command),
  });
}

function howItEnded(end: ShellEnd): string {
  if (end.signal !== null) return ` was killed by ${end.signal}`;
  return end.status === 127 ? "'s command was not found" : ` exited with status ${String(end.status)}`;
}

function hintFor(end: ShellEnd, command: string): string {
  if (end.status === 127) return `is it installed? Try npm install; the command is: ${command}`;
  if (end.signal === 'SIGKILL') return 'the machine may have run out of memory';
  return `the command is: ${command}`;
}

/** The message of an uncaught exception without its stack trace; for anything else the last lines. */
function tellingLines(tail: string): string {
  const lines = tail.split('\n').map((line) => line.trimEnd());
  const thrown = lines.findLastIndex((line) => /^(Uncaught )?[A-Za-z.]*(Error|Exception)( \[\w+\])?: /.test(line));
  if (thrown === -1)
    return lines
      .filter((line) => line !== '' && !isNoise(line))
      .slice(-MAX_TELLING_LINES)
      .join('\n');
  const rest = lines.slice(thrown);
  const end = rest.findIndex((line) => line === '' || isNoise(line));
  return rest
    .slice(0, end === -1 ? rest.length : end)
    .slice(0, MAX_TELLING_LINES)
    .join('\n');
}

/** Stack frames, and the version Node.js prints after an uncaught exception. */
function isNoise(line: string): boolean {
  return /^\s+at /.test(line) || /^Node\.js v\d/.test(line);
}

/** The topmost frame in the app's own files, as `file:line:column`; for a syntax error the line Node.js names. */
function placeOfCrash(tail: string, directory: string): string | undefined {
  const frames = [...tail.matchAll(/^\s+at (?:.*\()?(?:file:\/\/)?(\/[^():\n]+):(\d+):(\d+)\)?$/gm)];
  const headings = [...tail.matchAll(/^(?:file:\/\/)?(\/[^():\n]+):(\d+)()$/gm)];
  const root = fs.realpathSync(directory);
  for (const [, file = '', line = '', column = ''] of [...frames, ...headings]) {
    const relative = path.relative(root, file);
    if (relative.startsWith('..') || relative.split('/').includes('node_modules')) continue;
    return `${relative}:${line}:${column === '' ? '1' : column}`;
  }
  return undefined;
}
