import { StackError, type ErrorCode } from '../../core';
import { userLine } from './source-line';

/** Errors of the construct library, and what they are for us. */
const KNOWN: readonly {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly hint: string;
}[] = [
  {
    pattern: /^There is already a Construct with name '(?<id>.*)' in \w+(?: \[(?<path>.*)\])?$/s,
    code: 'STACK2012',
    hint: 'choose another id',
  },
  { pattern: /^Only root constructs may have an empty ID$/, code: 'STACK2012', hint: 'give the construct an id' },
  {
    pattern: /^Cannot add children .*during synthesis$/s,
    code: 'STACK2014',
    hint: 'create it before app.synth()',
  },
];

/** An error that the construct library has thrown, with a code and the user's line; undefined for every other one. */
export function fromConstructs(error: unknown): StackError | undefined {
  if (!(error instanceof Error) || !isThrownThere(error)) return undefined;
  const known = KNOWN.find(({ pattern }) => pattern.test(error.message));
  const { id, path } = known?.pattern.exec(error.message)?.groups ?? {};
  return new StackError(known?.code ?? 'STACK2016', id === undefined ? error.message : messageFor(id, path), {
    constructPath: id === undefined ? undefined : [path, id].filter((part) => part !== undefined).join('/'),
    source: userLine({ stack: error.stack ?? '' }, process.cwd()),
    hint: known?.hint,
    cause: error,
  });
}

function messageFor(id: string, path: string | undefined): string {
  if (id in Object.prototype) return `the id "${id}" cannot be used: every object has a member of that name`;
  return `there already is a construct "${id}" in ${path === undefined ? 'the app' : `"${path}"`}`;
}

function isThrownThere({ message, stack = '' }: Error): boolean {
  const frames = stack.slice(stack.indexOf(message) + message.length);
  return /^\n\s+at [^\n]*\/constructs\/(lib|src)\/[a-z]+\.(js|ts):/.test(frames);
}
