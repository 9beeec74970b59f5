import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { StackError, writeFailure, type Listener } from '../core';
import {
  ASSEMBLY_FILES,
  loadAssembly,
  placeStaged,
  refuseOutput,
  stagingBeside,
  tidyBeside,
  type Assembly,
} from '../plan';
import { crashError, readReportedError } from './app-failure';
import { runShell } from './shell-command';

/** What `synth` needs. */
export interface SynthOptions {
  /** A shell command that runs the app, or a directory that holds what an app was synthesized to. */
  readonly app: string;
  /** Absolute: the app's directory, where the command runs and relative paths start. */
  readonly directory: string;
  /** Directory to synthesize to, relative to `directory`; default `synth.out`. */
  readonly output?: string | undefined;
  /** A shell command to run before the app. */
  readonly build?: string | undefined;
  /** Context values of the app; JSON values. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** Where each key of the context was set, for messages of the app. */
  readonly contextOrigins?: Readonly<Record<string, string>> | undefined;
  /** Lets constructs keep full creation traces; default false. */
  readonly debug?: boolean | undefined;
  /** Version told to the app, which can then tell a mismatch. */
  readonly version?: string | undefined;
  /** Variables for the commands, on top of the environment of this process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly listener: Listener;
  /** Cancels: the commands and all they started are ended. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the app and loads what it synthesized. When `app` is a directory, nothing runs and that is loaded.
 * A failed synth leaves the last good output as it was: the app writes beside it, to a directory of this process alone, which is
 * loaded and then takes the place of the output. So the plan is what this very run of the app wrote, whatever else is synthesized
 * there at the same time.
 * @throws StackError every error the app reported; STACK2001 when it failed otherwise, STACK2011 when it wrote nothing,
 * STACK1008 when cancelled, and whatever loading throws for an output that cannot be used.
 */
export async function synth(options: SynthOptions): Promise<Assembly> {
  const given = path.resolve(options.directory, options.app);
  if (isDirectory(given)) return await loadAssembly(given);
  const output = path.resolve(options.directory, options.output ?? 'synth.out');
  if (options.build !== undefined) await build(options.build, options);
  const started = performance.now();
  options.listener({ code: 'synth-started', app: options.app });
  const assembly = await synthesizeTo(output, options);
  options.listener({
    code: 'synth-done',
    directory: output,
    images: Object.keys(assembly.plan.images).length,
    milliseconds: performance.now() - started,
  });
  return assembly;
}

async function synthesizeTo(output: string, options: SynthOptions): Promise<Assembly> {
  refuseOutput(output, options.directory);
  tidyBeside(output);
  const staged = stagingBeside(output);
  try {
    await runApp(staged, options);
    const assembly = await loadAssembly(staged);
    refuseOutput(output, assembly.directory);
    return { ...assembly, output: placeStaged(staged, output) };
  } catch (error) {
    throw named(error, staged, output);
  } finally {
    fs.rmSync(staged, { recursive: true, force: true });
    tidyBeside(output); // what an app that was ended left
  }
}

/** An error as the user knows the directory: by the name it was to get. */
function named(error: unknown, staged: string, output: string): unknown {
  if (!StackError.is(error) || !error.message.includes(staged) || error.all().length > 1) return error;
  const { code, message, hint } = error;
  return new StackError(code, message.replaceAll(staged, output), { hint, cause: error });
}

async function build(command: string, options: SynthOptions): Promise<void> {
  options.listener({ code: 'build-started', command });
  const end = await run(command, {}, options);
  if (end.status !== 0) throw crashError('the build', command, end, options.directory);
}

function scratchDirectory(): string {
  try {
    return fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-'));
  } catch (error) {
    throw scratchFailure(error);
  }
}

function writeScratch(file: string, text: string): void {
  try {
    fs.writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    throw scratchFailure(error);
  }
}

function scratchFailure(error: unknown): StackError {
  return writeFailure('STACK1007', `temporary files in '${os.tmpdir()}' (TMPDIR)`, error);
}

/** The handshake with `App`: where to write, which must not exist yet, where context comes from, where errors go. */
async function runApp(output: string, options: SynthOptions): Promise<void> {
  const scratch = scratchDirectory();
  const contextFile = path.join(scratch, 'context.json');
  const errorFile = path.join(scratch, 'error.json');
  try {
    writeScratch(contextFile, JSON.stringify(options.context ?? {}));
    const originsFile = path.join(scratch, 'origins.json');
    writeScratch(originsFile, JSON.stringify(options.contextOrigins ?? {}));
    const handshake = {
      STACK_OUTDIR: output,
      STACK_CONTEXT_FILE: contextFile,
      STACK_CONTEXT_ORIGINS_FILE: originsFile,
      STACK_ERROR_FILE: errorFile,
      ...(options.version === undefined ? {} : { STACK_CLI_VERSION: options.version }),
    };
    const end = await run(options.app, handshake, options);
    if (end.status === 0 && fs.existsSync(path.join(output, ASSEMBLY_FILES.manifest))) return;
    throw (
      readReportedError(errorFile) ??
      (end.status === 0 ? silentApp(options) : crashError('the app', options.app, end, options.directory))
    );
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function run(
  command: string,
  extra: Readonly<Record<string, string>>,
  options: SynthOptions,
): ReturnType<typeof runShell> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.environment, ...extra };
  delete env['STACK_DEBUG'];
  if (options.debug === true) env['STACK_DEBUG'] = '1';
  return await runShell(command, {
    directory: options.directory,
    env,
    signal: options.signal,
    onOutput: (text) => {
      options.listener({ code: 'app-output', text });
    },
  });
}

function silentApp(options: SynthOptions): StackError {
  return new StackError('STACK2011', 'the app ended well but synthesized nothing', {
    hint: `does it create an App of cdk-stack? The command is: ${options.app}`,
  });
}

function isDirectory(file: string): boolean {
  return fs.existsSync(file) && fs.statSync(file).isDirectory();
}
