import { ERRORS, REPORT, STATUS } from './setup-protocol';
import { commandLine } from './shell-text';

/** Files by which a runtime says that it has started the script, and why it has not. */
export interface RuntimeFiles {
  /** Path of a file that gets the script's process id. */
  readonly started: string;
  readonly log: string;
}

/** What a runtime is called with to create the script's process, and to start it. */
export interface RuntimeCommands {
  readonly create: readonly string[];
  readonly start: readonly string[];
}

/**
 * The program of process 1 while an OCI runtime's script runs. The runtime creates the script's process and starts it, and is gone
 * then: nothing is beside the script that it could signal by mistake, and its output goes through no further pipes. Shells cannot
 * wait for a process that they adopted; this reads how it ended from its zombie (proc(5), exit_code in stat), which Node leaves alone.
 *
 * Node starts a debugger for SIGUSR1 unless that has a listener: for a script that would be the way out of its sandbox.
 */
const PROGRAM = `
const { spawn } = require('node:child_process');
const { readFileSync, writeSync } = require('node:fs');
const [started, log, ...commands] = process.argv.slice(1);
let script;
const finish = (line) => { writeSync(${String(REPORT)}, line + '\\n'); process.exit(0); };
const look = () => {
  if (script === undefined) return;
  const fields = readFileSync('/proc/' + script + '/stat', 'latin1').replace(/^.*\\) /s, '').split(' ');
  if (fields[0] !== 'Z') return;
  const end = Number(fields[49]);
  finish('${STATUS} ' + (end & 127 ? 128 + (end & 127) : end >> 8));
};
const run = (command, then) => {
  const [program, ...args] = JSON.parse(command);
  spawn(program, args, { stdio: [0, 1, ${String(ERRORS)}] })
    .on('error', ({ message }) => finish(message))
    .on('exit', (status) => (status > 0 ? finish(readFileSync(log, 'utf8')) : then())); // the script may kill what starts it
};
process.on('SIGUSR1', () => undefined);
process.on('SIGCHLD', look);
setInterval(look, 1000);
run(commands[0], () => {
  script = readFileSync(started, 'utf8').trim();
  run(commands[1], look);
});
`;

/** The command by which process 1 becomes the one that has a runtime create and start a script, and waits for it. */
export function waiterCommand({ create, start }: RuntimeCommands, { started, log }: RuntimeFiles): string {
  const commands = [create, start].map((command) => JSON.stringify(command));
  return commandLine([process.execPath, '-e', PROGRAM, '--', started, log, ...commands]);
}
