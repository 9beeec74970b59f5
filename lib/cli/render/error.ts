import { StackError, messageOf, redactCode, type StackErrorJson } from '../../core';
import type { Style } from '../io';
import { readExcerpt } from './excerpt';
import { clean, cleanLine, shorten } from './text';

/** What an error report needs to know besides the error. */
export interface ErrorContext {
  readonly style: Style;
  /** Where relative source paths start. */
  readonly directory: string;
  /** Adds stack traces. */
  readonly debug: boolean;
  /** Columns of the screen; default 100. */
  readonly width?: number | undefined;
  /** Class of the construct at a path, where the plan is known. */
  readonly constructOf?: ((constructPath: string) => string | undefined) | undefined;
}

/** Whatever was thrown as a `StackError`; what is none is a fault of cdk-stack, STACK9001, to be reported at `issues`. */
export function asStackError(error: unknown, issues: string): StackError {
  if (StackError.is(error)) return error;
  return new StackError('STACK9001', `cdk-stack is at fault: ${messageOf(error)}`, {
    hint: `please report this, with the trace, to ${issues}`,
    cause: error,
  });
}

/** The document `--json` prints when a command fails. */
export function errorDocument(error: StackError): { readonly error: StackErrorJson } {
  return { error: error.toJSON() };
}

/** All errors of a report as text for people, each with its place and hint. */
export function errorReport(error: StackError, context: ErrorContext): string {
  const errors = error.all();
  const blocks = errors.map((each) => errorLines(each, context).join('\n'));
  const { red } = context.style.colors;
  const total = errors.length > 1 ? `\n\n${red(`${String(errors.length)} errors`)}` : '';
  return `${blocks.join('\n\n')}${total}\n`;
}

function errorLines(error: StackError, context: ErrorContext): string[] {
  const { bold, red, cyan, dim } = context.style.colors;
  const [message = '', ...more] = clean(error.message).split('\n');
  return [
    `${red(bold('error'))} ${red(`${error.code}:`)} ${message}`,
    ...more.map((line) => `  ${line}`),
    ...placeLines(error, context),
    ...(error.hint === undefined ? [] : [`  ${cyan('hint:')} ${cleanLine(error.hint)}`]),
    ...traceLines(error, context).map((line) => dim(`  ${line}`)),
  ];
}

function placeLines(error: StackError, context: ErrorContext): string[] {
  const { bold } = context.style.colors;
  const { constructPath, source } = error;
  const lines: string[] = [];
  if (constructPath !== undefined) {
    const construct = context.constructOf?.(constructPath);
    lines.push(`  at ${bold(cleanLine(constructPath))}${construct === undefined ? '' : ` (${cleanLine(construct)})`}`);
  }
  if (source !== undefined) {
    lines.push(
      `  ${constructPath === undefined ? 'at' : 'created at'} ${cleanLine(source)}`,
      ...excerptLines(source, context),
    );
  }
  return lines;
}

function excerptLines(source: string, context: ErrorContext): string[] {
  const excerpt = readExcerpt(context.directory, source);
  if (excerpt === undefined) return [];
  const { colors, symbols } = context.style;
  const code = redactCode(excerpt.text.trimStart());
  const number = String(excerpt.line);
  const room = (context.width ?? 100) - number.length - 8;
  const caret = Math.max(0, excerpt.column - 1 - (excerpt.text.length - code.length));
  return [
    `    ${colors.dim(`${number} ${symbols.rule}`)} ${shorten(code.trimEnd(), room, symbols.ellipsis)}`,
    ...(caret < room
      ? [`    ${colors.dim(`${' '.repeat(number.length)} ${symbols.rule}`)} ${' '.repeat(caret)}${colors.red('^')}`]
      : []),
  ];
}

/** Traces only with --debug, or when the fault is ours. */
function traceLines(error: StackError, context: ErrorContext): string[] {
  if (!context.debug && error.code !== 'STACK9001') return [];
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < 8; depth += 1) {
    const trace = at instanceof Error ? (at.stack ?? at.message) : messageOf(at);
    // The fault itself is told by its cause; where it was wrapped says nothing.
    if (!(depth === 0 && error.code === 'STACK9001' && error.cause !== undefined)) {
      lines.push(...clean(depth === 0 ? trace : `caused by ${trace}`).split('\n'));
    }
    at = at instanceof Error ? at.cause : undefined;
  }
  return lines;
}
