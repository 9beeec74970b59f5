import { closeSync, existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { StackError } from '../../core';
import { commandOf, contentsOf } from './contents';
import { launchBy, type Driver } from './drivers';
import { withDefaults } from './environment';
import { parseMountInfo } from './mount-table';
import { deviceMounts, type MountFacts } from './mounts';
import type { Namespace } from './namespace';
import { Output } from './output';
import { overlayOptions } from './overlay';
import { makePipes, type Pipe } from './pipes';
import { dyingWithUs, start, tailOf, type Command, type Started, type StartOptions, type Stdio } from './process';
import type { OutputStream, RunOptions } from './run-options';
import { bootScript, NO_INTERPRETER, PROGRAM, REPORT, setupScript, STATUS } from './setup-script';
import { makeWorkDirectory } from './work-directory';

/** How a script ended. */
export interface ScriptExit {
  /** Exit status; 128 + N when signal N ended it, as shells count. */
  readonly status: number;
}

/**
 * Runs a script in a sandbox of its own: an overlay over the base, and mount, process, IPC and host name namespaces. When it
 * ends, or we end, however that happens, so does everything it started, and nothing stays mounted.
 *
 * Of what the sandbox brings along (/dev, /proc, /sys, /run, /stack, resolv.conf, mount points) nothing gets into `upper`.
 * @throws StackError STACK4010 when the sandbox cannot be made, STACK4011 when the base lacks what runs the script,
 * STACK3003 for a mount whose source is not there, STACK7001, STACK7002; the signal's reason when aborted
 */
export async function runScript(namespace: Namespace, driver: Driver, options: RunOptions): Promise<ScriptExit> {
  const { signal, network, terminal = false } = options;
  signal?.throwIfAborted();
  const work = path.resolve(options.work);
  const { boot, program, interpreter } = prepare(namespace, driver, options, work);
  const command = dyingWithUs([
    ...['unshare', ...namespace.unshareArguments, '--mount', '--pid', '--ipc', '--uts'],
    ...(network === 'none' ? ['--net'] : []),
    ...['--fork', '--kill-child', '--', 'sh', '-c', boot],
  ]);
  const output = new Output(options);
  const pipes = terminal ? [] : await makePipes(work, ['stdout', 'stderr']);
  try {
    const { child, ended } = startWith(command, pipes, { signal, ownTerminal: terminal });
    const report = tailOf(child.stdio[REPORT] as Readable);
    const input = child.stdio[PROGRAM] as Writable;
    input.on('error', () => undefined); // it ended before it had read everything: its report says why
    input.end(program);
    await Promise.all([ended, ...pipes.map(({ name, readable }) => output.follow(readable, name))]);
    return { status: statusOf(report(), interpreter) };
  } finally {
    for (const { readable } of pipes) readable.destroy();
    output.close();
  }
}

function startWith(
  command: Command,
  pipes: readonly Pipe<OutputStream>[],
  options: Omit<StartOptions, 'stdio'>,
): Started {
  const [stdout, stderr] = pipes;
  const streams: Stdio[] =
    stdout && stderr ? ['ignore', stdout.descriptor, stderr.descriptor] : ['inherit', 'inherit', 'inherit'];
  try {
    return start(command, { ...options, stdio: [...streams, 'pipe', 'pipe'] });
  } finally {
    for (const { descriptor } of pipes) closeSync(descriptor); // the child has them now
  }
}

interface Prepared {
  /** The two scripts that set the sandbox up. */
  readonly boot: string;
  readonly program: string;
  readonly interpreter: string;
}

/** Makes the directory of the run. */
function prepare(namespace: Namespace, driver: Driver, options: RunOptions, work: string): Prepared {
  const { lowers, upper, script, env, network, terminal = false } = options;
  const { command, interpreter } = commandOf(script);
  const facts: MountFacts = {
    work,
    isInitialNamespace: namespace.isInitial,
    exists: existsSync,
    table: parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')),
  };
  const { files, mounts } = contentsOf(options, facts);
  const devices = deviceMounts(facts);
  // An OCI runtime would want to make a terminal of its own.
  const { pivots, ...launch } = launchBy(terminal ? 'unshare' : driver, { command, env: withDefaults(env) }, work);
  const program = setupScript({
    ...launch,
    work,
    overlay: overlayOptions(lowers.length, !namespace.isInitial),
    files: [...files, ...launch.files],
    devices,
    mounts,
    network,
    interpreter,
  });
  makeWorkDirectory(work, { lowers, upper, devices, mounts });
  return { boot: bootScript(work, pivots), program, interpreter };
}

/** The script's exit status, which is the last line of the report. Anything before it is what went wrong with the set-up. */
function statusOf(report: string, interpreter: string): number {
  const lines = report.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  const status = new RegExp(`^${STATUS} (\\d+)$`).exec(last)?.[1];
  if (status !== undefined) return Number(status);
  if (last === NO_INTERPRETER) {
    throw new StackError('STACK4011', `the base has no '${interpreter}' to run the script`, {
      hint: 'choose a base that has it, import it, or start the script with the #! line of an interpreter that is there',
    });
  }
  if (/No space left on device|Disk quota exceeded/.test(report)) {
    throw new StackError('STACK7002', `no space left while making a sandbox: ${last}`, {
      hint: 'free some space, or set STACK_HOME to a directory on a larger file system',
    });
  }
  throw new StackError('STACK4010', `the sandbox cannot be made: ${report.trim() || 'it was killed'}`);
}
