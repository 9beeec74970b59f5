import pc from 'picocolors';

/** A stream the command writes to, a terminal or not. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Everything the command touches of its process, so that tests can stand in for it. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** How text looks on one stream. */
export interface Style {
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly symbols: Symbols;
}

/** Marks in front of lines; plain letters where the terminal may not know better ones. */
interface Symbols {
  readonly done: string;
  readonly failed: string;
  readonly warning: string;
  readonly rule: string;
  readonly dot: string;
  readonly ellipsis: string;
  readonly full: string;
  readonly empty: string;
  readonly spinner: readonly string[];
}

const UNICODE: Symbols = {
  done: '✔',
  failed: '✖',
  warning: '▲',
  rule: '│',
  dot: '·',
  ellipsis: '…',
  full: '━',
  empty: '─',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};

const ASCII: Symbols = {
  done: '+',
  failed: 'x',
  warning: '!',
  rule: '|',
  dot: '-',
  ellipsis: '...',
  full: '#',
  empty: '.',
  spinner: ['-', '\\', '|', '/'],
};

/** The style of a stream: `--no-color` and `--color` first, then FORCE_COLOR, NO_COLOR and whether that very stream is a terminal. */
export function styleOf(stream: OutputStream, env: NodeJS.ProcessEnv, color?: boolean): Style {
  return { colors: pc.createColors(color ?? wantsColor(stream, env)), symbols: knowsUnicode(env) ? UNICODE : ASCII };
}

function wantsColor(stream: OutputStream, env: NodeJS.ProcessEnv): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function knowsUnicode(env: NodeJS.ProcessEnv): boolean {
  if (env['TERM'] === 'linux' || env['TERM'] === 'dumb') return false;
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

/** True under a continuous integration service, where nobody watches a bar. */
export function isCi(env: NodeJS.ProcessEnv): boolean {
  const ci = env['CI'];
  return ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
}

/** A boolean option as it stands on a command line that could not be understood as a whole; the last one counts. */
export function earlyFlag(argv: readonly string[], name: 'color' | 'json'): boolean | undefined {
  const words = argv.filter(
    (word) => word === `--${name}` || word === `--no-${name}` || (name === 'json' && /^-[jqv]*j[jqv]*$/.test(word)),
  );
  const last = words.at(-1);
  return last === undefined ? undefined : !last.startsWith('--no-');
}
