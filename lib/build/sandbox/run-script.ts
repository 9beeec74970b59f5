import { closeSync, existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { errnoOf } from '../../core';
import { commandOf, contentsOf } from './contents';
import { launchBy, type Driver } from './drivers';
import { withDefaults } from './environment';
import { requireTools } from './host-tools';
import { parseMountInfo } from './mount-table';
import { deviceMounts, type MountFacts } from './mounts';
import type { Namespace } from './namespace';
import { Output } from './output';
import { overlayOptions } from './overlay';
import { makePipe, type Pipe } from './pipe';
import { dyingWithUs, start, type Command, type StartOptions, type Stdio } from './process';
import { Report } from './report';
import type { RunOptions } from './run-options';
import { secretVariables } from './secrets';
import { PROGRAM, REPORT } from './setup-protocol';
import { bootScript, setupScript } from './setup-script';
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
 * STACK3003 for a mount whose source is not there, STACK3013 for a missing tool, STACK7001, STACK7002; the signal's reason when aborted
 */
export async function runScript(namespace: Namespace, driver: Driver, options: RunOptions): Promise<ScriptExit> {
  const { signal, network, terminal = false } = options;
  signal?.throwIfAborted();
  requireTools(network);
  const work = path.resolve(options.work);
  const { boot, program, interpreter } = prepare(namespace, driver, options, work);
  const command = dyingWithUs([
    ...['unshare', ...namespace.unshareArguments, '--mount', '--pid', '--ipc', '--uts'],
    ...(network === 'none' ? ['--net'] : []),
    ...['--fork', '--kill-child', '--', 'sh', '-c', boot],
  ]);
  const output = new Output(options);
  try {
    const pipe = terminal ? undefined : await makePipe(work);
    const read = pipe && output.follow(pipe.readable);
    const { report, ended } = startSetup(command, program, pipe, { signal, ownTerminal: terminal });
    // To the end of all, even if it was aborted: only then nothing of the sandbox is left.
    for (const each of await Promise.allSettled([ended, read])) if (each.status === 'rejected') throw each.reason;
    return { status: report.status(interpreter) };
  } finally {
    output.close();
  }
}

/** Starts process 1 of a sandbox, which reads its program from us. */
function startSetup(
  command: Command,
  program: string,
  pipe: Pipe | undefined,
  options: Pick<StartOptions, 'signal' | 'ownTerminal'>,
): { readonly report: Report; readonly ended: Promise<number> } {
  const report = new Report();
  const streams: Stdio[] = pipe ? ['ignore', pipe.descriptor, pipe.descriptor] : ['inherit', 'inherit', 'inherit'];
  try {
    const { child, ended } = start(command, {
      ...options,
      stdio: [...streams, 'pipe', 'pipe'],
      kill: (waiting) => {
        // Process 1 does not end before all others have, unlike what waits for it outside.
        if (report.init === undefined || !killed(report.init)) waiting.kill('SIGKILL');
      },
    });
    report.follow(child.stdio[REPORT] as Readable);
    const input = child.stdio[PROGRAM] as Writable;
    input.on('error', () => undefined); // it ended before it had read everything: its report says why
    input.end(program);
    return { report, ended };
  } finally {
    if (pipe) closeSync(pipe.descriptor); // the child has it now
  }
}

/** Kills a process; tells whether it was still there. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
    return false;
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
  const { lowers, upper, script, network, secrets = [], terminal = false } = options;
  const env = withDefaults({ ...options.env, ...secretVariables(secrets) });
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
  const { pivots, ...launch } = launchBy(terminal ? 'unshare' : driver, { command, env }, work);
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
