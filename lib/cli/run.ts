import { EXIT, StackError } from '../core';
import type { Assembly, TreeNode } from '../plan';
import { confirm } from './ask';
import type { Command } from './commands/command';
import type * as copyModule from './commands/copy';
import type * as conflictsModule from './commands/conflicts';
import type * as deployModule from './commands/deploy';
import type * as explainModule from './commands/explain';
import type * as gcModule from './commands/gc';
import type * as inspectModule from './commands/inspect';
import type * as lsModule from './commands/ls';
import type * as pullModule from './commands/pull';
import type * as rebaseModule from './commands/rebase';
import type * as shellModule from './commands/shell';
import type * as swapModule from './commands/swap';
import type * as synthModule from './commands/synth';
import type * as updateModule from './commands/update';
import { projectDirectory } from './config-file';
import { earlyFlag, styleOf, type Io } from './io';
import type { CommandName } from './options';
import { packageInfo } from './package-info';
import { parseArguments, type Parsed } from './parse';
import { asStackError, createRenderer, errorDocument, errorReport } from './render';
import { resolveSettings, type Settings } from './settings';

/** A verb and the engine behind it are loaded when they are used, so that `stack --version` pays for neither. */
/* eslint-disable @typescript-eslint/no-require-imports -- a static import would load at start what may not be needed */
const COMMANDS: Readonly<Record<CommandName, () => Command>> = {
  synth: () => (require('./commands/synth') as typeof synthModule).run,
  ls: () => (require('./commands/ls') as typeof lsModule).run,
  deploy: () => (require('./commands/deploy') as typeof deployModule).run,
  conflicts: () => (require('./commands/conflicts') as typeof conflictsModule).run,
  explain: () => (require('./commands/explain') as typeof explainModule).run,
  shell: () => (require('./commands/shell') as typeof shellModule).run,
  inspect: () => (require('./commands/inspect') as typeof inspectModule).run,
  copy: () => (require('./commands/copy') as typeof copyModule).run,
  pull: () => (require('./commands/pull') as typeof pullModule).run,
  swap: () => (require('./commands/swap') as typeof swapModule).run,
  rebase: () => (require('./commands/rebase') as typeof rebaseModule).run,
  update: () => (require('./commands/update') as typeof updateModule).run,
  gc: () => (require('./commands/gc') as typeof gcModule).run,
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** What is known about a run at the time it fails. */
interface Progress {
  settings?: Settings;
  assembly?: Assembly;
}

/**
 * Runs a command line to its end: results go to `io.stdout`, everything else to `io.stderr`.
 * @returns the exit status, see docs/cli.md.
 */
export async function run(argv: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  const progress: Progress = {};
  try {
    const { version } = packageInfo();
    const color = earlyFlag(argv, 'color');
    const helpStyle = {
      version,
      width: io.stdout.columns || 100,
      color: styleOf(io.stdout, io.env, color).colors.isColorSupported,
    };
    const parsed = parseArguments(argv, helpStyle);
    if (parsed.kind === 'command') return await runCommand(parsed, version, io, signal, progress);
    (parsed.missing ? io.stderr : io.stdout).write(parsed.text);
    return parsed.missing ? EXIT.usage : EXIT.ok;
  } catch (error) {
    const cancelled = signal.aborted ? new StackError('STACK1008', 'cancelled', { cause: error }) : undefined;
    return report(cancelled ?? asStackError(error, packageInfo().issues), argv, io, progress);
  }
}

async function runCommand(
  parsed: Extract<Parsed, { kind: 'command' }>,
  version: string,
  io: Io,
  signal: AbortSignal,
  progress: Progress,
): Promise<number> {
  const settings = resolveSettings({ flags: parsed.flags, env: io.env, cwd: io.cwd });
  progress.settings = settings;
  const renderer = createRenderer(io, settings);
  const restore = (): void => {
    renderer.stop();
  };
  // Also when something else ends the process: a hidden cursor would stay hidden in the user's shell.
  process.once('exit', restore);
  try {
    const result = await COMMANDS[parsed.command]()({
      settings,
      operands: parsed.operands,
      renderer,
      signal,
      version,
      cwd: io.cwd,
      isInteractive: io.stdin.isTTY === true && io.stderr.isTTY === true,
      confirm: (question) => confirm(io, question, signal),
      color: styleOf(io.stderr, io.env, settings.color).colors.isColorSupported,
      loaded: (assembly) => (progress.assembly = assembly),
    });
    restore();
    const text = settings.json ? document(result.document) : result.text(styleOf(io.stdout, io.env, settings.color));
    if (text !== '') io.stdout.write(text);
    return result.exitStatus ?? EXIT.ok;
  } finally {
    restore();
    process.removeListener('exit', restore);
  }
}

/** Tells an error on every stream that expects it; gives the exit status. */
function report(error: StackError, argv: readonly string[], io: Io, { settings, assembly }: Progress): number {
  const json = settings?.json ?? earlyFlag(argv, 'json') ?? /^(1|true|yes|on)$/i.test(io.env['STACK_JSON'] ?? '');
  if (json) io.stdout.write(document(errorDocument(error)));
  if (settings?.progress === 'json') {
    io.stderr.write(`${JSON.stringify({ code: 'failed', ...errorDocument(error) })}\n`);
    return error.exitStatus;
  }
  const constructs = assembly === undefined ? undefined : constructsOf(assembly.tree);
  io.stderr.write(
    errorReport(error, {
      style: styleOf(io.stderr, io.env, settings?.color ?? earlyFlag(argv, 'color')),
      directory: assembly?.directory ?? settings?.directory ?? projectDirectory(io.cwd),
      debug: settings?.debug ?? false,
      width: io.stderr.columns || undefined,
      constructOf: (constructPath) => constructs?.get(constructPath),
    }),
  );
  return error.exitStatus;
}

function constructsOf(root: TreeNode): ReadonlyMap<string, string> {
  const constructs = new Map<string, string>();
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    constructs.set(node.path, node.construct);
    open.push(...(node.children ?? []));
  }
  return constructs;
}

function document(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
