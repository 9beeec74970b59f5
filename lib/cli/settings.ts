import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError, joinErrors, type ErrorCode } from '../core';
import { CONFIG_FILE, findConfigFile, readConfigFile, type ConfigFile } from './config-file';
import {
  OPTION_NAMES,
  flagOf,
  optionSpec,
  settableNames,
  variableOf,
  type OptionName,
  type OptionSpec,
  type OptionValues,
} from './options';
import type { RawFlags } from './parse';
import { fromFlag, fromVariable, isProblem, type Checked } from './values';

/** What settings are made of. */
export interface SettingSources {
  readonly flags: RawFlags;
  readonly env: NodeJS.ProcessEnv;
  /** The directory the command was started in. */
  readonly cwd: string;
}

/** The value of every option, after flag > environment > cdk-stack.json > default. */
export interface Settings extends OptionValues {
  /** Absolute: the directory of cdk-stack.json, where relative paths start. */
  readonly directory: string;
  /** Whether there is a cdk-stack.json. */
  readonly hasConfigFile: boolean;
  /** Where each key of the context was set, such as `--context`. */
  readonly contextOrigins: Readonly<Record<string, string>>;
}

/** Values of one source, and the directory its relative paths start at. */
interface Source {
  readonly values: Readonly<Partial<Record<OptionName, unknown>>>;
  readonly directory: string;
  /** Name of an option in this source. */
  readonly labelOf: (name: OptionName) => string;
}

/**
 * Finds the value of every option.
 * @throws StackError with every problem: STACK1001 for the command line, STACK1005 for the environment, STACK1003 for
 * cdk-stack.json; STACK1002 when that file cannot be read.
 */
export function resolveSettings(sources: SettingSources): Settings {
  const problems: StackError[] = [];
  const flags = readFlags(sources.flags, problems);
  const variables = readVariables(sources.env, problems);
  const config = readConfig(sources.cwd, problems);
  throwAll(problems);
  const directory = config === undefined ? sources.cwd : path.dirname(config.file);
  const all: Source[] = [
    { values: flags, directory: sources.cwd, labelOf: flagOf },
    { values: variables, directory: sources.cwd, labelOf: variableOf },
    { values: config?.values ?? {}, directory, labelOf: () => CONFIG_FILE },
  ];
  const values = Object.fromEntries(OPTION_NAMES.map((name) => [name, pick(name, all, directory)])) as OptionValues;
  return { ...values, directory, hasConfigFile: config !== undefined, ...mergedContext(all) };
}

/**
 * The app that settings name.
 * @throws StackError STACK1002 when there is no cdk-stack.json that could, STACK1003 when there is one
 */
export function appOf({ app, hasConfigFile }: Settings): string {
  if (app !== undefined) return app;
  if (!hasConfigFile) {
    throw new StackError('STACK1002', `there is no ${CONFIG_FILE} in this directory or above it`, {
      hint: 'run stack inside a project, or name the app with --app',
    });
  }
  throw new StackError('STACK1003', `${CONFIG_FILE} names no app`, {
    hint: 'add a member such as "app": "ts-node bin/app.ts"',
    source: `${CONFIG_FILE}:1:1`,
  });
}

function pick(name: OptionName, all: readonly Source[], directory: string): unknown {
  const spec = optionSpec(name);
  for (const source of all) {
    const value = source.values[name];
    if (value !== undefined) return moved(spec, value, source.directory, directory);
  }
  return spec.default;
}

/** Context is the one value whose sources add up, key by key. */
function mergedContext(all: readonly Source[]): Pick<Settings, 'context' | 'contextOrigins'> {
  const entries = [...all]
    .reverse()
    .flatMap(({ values, labelOf }) =>
      (['context', 'contextString'] as const).flatMap((name) =>
        Object.entries((values[name] ?? {}) as Record<string, unknown>).map(
          ([key, value]) => [key, value, labelOf(name)] as const,
        ),
      ),
    );
  return {
    context: Object.fromEntries(entries.map(([key, value]) => [key, value])),
    contextOrigins: Object.fromEntries(entries.map(([key, , origin]) => [key, origin])),
  };
}

function readFlags(flags: RawFlags, problems: StackError[]): Source['values'] {
  return readAll('STACK1001', OPTION_NAMES, flagOf, problems, (name) => {
    const raw = flags[name];
    return raw === undefined ? undefined : fromFlag(optionSpec(name), raw, name === 'contextString');
  });
}

/** An empty variable counts as none: that is how most tools let one be unset for a command. */
function readVariables(env: NodeJS.ProcessEnv, problems: StackError[]): Source['values'] {
  return readAll('STACK1005', settableNames(), variableOf, problems, (name) => {
    const raw = env[variableOf(name)];
    return raw === undefined || raw === '' ? undefined : fromVariable(optionSpec(name), raw);
  });
}

function readAll(
  code: ErrorCode,
  names: readonly OptionName[],
  label: (name: OptionName) => string,
  problems: StackError[],
  read: (name: OptionName) => Checked | undefined,
): Source['values'] {
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const name of names) {
    const checked = read(name);
    if (checked === undefined) continue;
    if (isProblem(checked))
      problems.push(new StackError(code, `${label(name)} ${checked.problem}`, { hint: checked.hint }));
    else values[name] = checked.value;
  }
  return values;
}

function readConfig(cwd: string, problems: StackError[]): ConfigFile | undefined {
  const file = findConfigFile(cwd);
  if (file === undefined) return undefined;
  const config = readConfigFile(file);
  problems.push(...config.problems);
  return config;
}

function throwAll(problems: readonly StackError[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw joinErrors([first, ...rest]);
}

/** Paths of the command line are the caller's, those of the file the project's; from here on all start at the app's directory. */
function moved(spec: OptionSpec, value: unknown, from: string, to: string): unknown {
  if (spec.place === undefined || from === to) return value;
  if (spec.place === 'path') return movePath(value as string, from, to);
  if (spec.place === 'target') return (value as readonly string[]).map((target) => moveTarget(target, from, to));
  const app = path.resolve(from, value as string);
  return fs.existsSync(app) && fs.statSync(app).isDirectory() ? app : value;
}

function movePath(file: string, from: string, to: string): string {
  if (from === to || path.isAbsolute(file)) return file;
  const absolute = path.resolve(from, file);
  const relative = path.relative(to, absolute);
  return relative === '..' || relative.startsWith('../') ? absolute : relative;
}

/** A target for another starting directory: `oci:../x` of a subdirectory is `oci:./x` of the app. */
export function moveTarget(target: string, from: string, to: string): string {
  const directory = /^oci:(.+)$/s.exec(target)?.[1];
  if (directory === undefined || from === to || path.isAbsolute(directory)) return target;
  const place = movePath(directory, from, to);
  return path.isAbsolute(place) ? `oci:${place}` : `oci:./${place}`;
}
