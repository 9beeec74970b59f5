import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SUDO = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** A daemon, run as root while a test uses it. */
export class Daemon {
  /**
   * Starts one and waits until it answers.
   * @param ready a command that succeeds as soon as it does
   * @throws Error with what it wrote, when it ends or stays silent
   */
  public static async start(command: readonly string[], log: string, ready: readonly string[]): Promise<Daemon> {
    const [program = '', ...args] = [...SUDO, ...command];
    const output = fs.openSync(log, 'w');
    const child = spawn(program, args, { stdio: ['ignore', output, output] });
    fs.closeSync(output);
    const daemon = new Daemon(child);
    for (let tries = 0; tries < 300; tries += 1) {
      if (child.exitCode !== null) break;
      if (succeeds([...SUDO, ...ready])) return daemon;
      await sleep(100);
    }
    await daemon.stop();
    throw new Error(`${command[0] ?? ''} does not answer: ${fs.readFileSync(log, 'utf8').slice(-2000)}`);
  }

  private constructor(private readonly child: ChildProcess) {}

  /** Ends it with SIGTERM, on which daemons tidy up. */
  public async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (SUDO.length === 0) child.kill('SIGTERM');
    else execFileSync('sudo', ['-n', 'kill', '-TERM', String(child.pid)]);
    await ended;
  }
}

function succeeds([program = '', ...args]: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
