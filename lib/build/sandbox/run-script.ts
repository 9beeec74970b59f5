import { existsSync } from 'node:fs';
import * as path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { StackError } from '../../core';
import { commandOf, contentsOf } from './contents';
import { launchBy, type Driver } from './drivers';
import { withDefaults } from './environment';
import { deviceMounts } from './mounts';
import type { Namespace } from './namespace';
import { Output } from './output';
import { overlayOptions } from './overlay';
import { dyingWithUs, start, tailOf } from './process';
import type { RunOptions } from './run-options';
import { bootScript, NO_INTERPRETER, PROGRAM, REPORT, setupScript, STATUS, WORK } from './setup-script';
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
  const { interpreter } = commandOf(options.script);
  const { boot, program } = scriptsFor(namespace, driver, options);
  await makeWorkDirectory(path.resolve(options.work), options);
  const output = new Output(options);
  try {
    const { child, ended } = start(
      dyingWithUs([
        ...['unshare', ...namespace.unshareArguments, '--mount', '--pid', '--ipc', '--uts'],
        ...(network === 'none' ? ['--net'] : []),
        ...['--fork', '--kill-child', '--', 'sh', '-c', boot],
      ]),
      { stdio: [...(terminal ? INHERITED : PIPED), 'pipe', 'pipe'], signal, ownTerminal: terminal },
    );
    const report = tailOf(child.stdio[REPORT] as Readable);
    output.follow(child.stdout, 'stdout');
    output.follow(child.stderr, 'stderr');
    const input = child.stdio[PROGRAM] as Writable;
    input.on('error', () => undefined); // it ended before it had read everything: its report says why
    input.end(program);
    await ended;
    return { status: statusOf(report(), interpreter) };
  } finally {
    output.close();
  }
}

const INHERITED = ['inherit', 'inherit', 'inherit'] as const;
const PIPED = ['ignore', 'pipe', 'pipe'] as const;

/** The two scripts that set the sandbox up. */
function scriptsFor(namespace: Namespace, driver: Driver, options: RunOptions): { boot: string; program: string } {
  const { isInitial } = namespace;
  const { lowers, script, env, network } = options;
  const work = path.resolve(options.work);
  const tmpfs = path.join(work, WORK.tmpfs);
  const { command, interpreter } = commandOf(script);
  const { pivots, ...launch } = launchBy(driver, { command, env: withDefaults(env) }, tmpfs);
  const { files, mounts } = contentsOf(options, tmpfs, isInitial);
  const program = setupScript({
    ...launch,
    work,
    hasBase: lowers.length > 0,
    overlay: overlayOptions(lowers.length, !isInitial),
    files: [...files, ...launch.files],
    devices: deviceMounts({ tmpfs, isInitialNamespace: isInitial, exists: existsSync }),
    mounts,
    network,
    interpreter,
  });
  return { boot: bootScript(work, pivots), program };
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
