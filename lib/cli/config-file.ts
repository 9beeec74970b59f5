import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError, didYouMean, errnoOf, messageOf } from '../core';
import { impreciseNumber } from './json-numbers';
import { offsetOfKey, positionAt } from './json-position';
import { optionSpec, settableNames, type OptionName } from './options';
import { fromJson, isProblem } from './values';

/** Name of a project's configuration file. */
export const CONFIG_FILE = 'cdk-stack.json';

/** Larger than any sensible configuration; a file beyond it was meant to be something else. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** A read cdk-stack.json. */
export interface ConfigFile {
  /** Absolute path. */
  readonly file: string;
  readonly values: Readonly<Partial<Record<OptionName, unknown>>>;
  /** Everything that is wrong with it, each with its place. */
  readonly problems: readonly StackError[];
}

/** The nearest cdk-stack.json of a directory and its parents, so that `stack` works anywhere in a project; undefined when there is none. */
export function findConfigFile(directory: string): string | undefined {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const file = path.join(at, CONFIG_FILE);
    if (fs.existsSync(file)) return file;
    if (at === path.dirname(at)) return undefined;
  }
}

/** The directory of the nearest cdk-stack.json, else the given one. */
export function projectDirectory(cwd: string): string {
  const file = findConfigFile(cwd);
  return file === undefined ? cwd : path.dirname(file);
}

/**
 * Reads and checks a cdk-stack.json. Problems are collected, not thrown, so that one report tells them all.
 * @throws StackError STACK1002 when the file cannot be read or is not a JSON object.
 */
export function readConfigFile(file: string): ConfigFile {
  const text = readText(file);
  const members = parseObject(file, text);
  const known = settableNames();
  const values: Partial<Record<OptionName, unknown>> = {};
  const problems: StackError[] = [];
  const lost = impreciseNumber(text);
  if (lost !== undefined) {
    const message = `${CONFIG_FILE} has the number ${lost.text}, which would not be kept exactly`;
    const hint = 'write it in quotes, as text';
    problems.push(new StackError('STACK1003', message, { hint, source: placeIn(file, text, lost.offset) }));
  }
  for (const [key, raw] of Object.entries(members)) {
    if (key === '$schema') continue;
    const name = known.find((each) => each === key);
    const checked = name === undefined ? unknownKey(key, known) : fromJson(optionSpec(name), raw);
    if (!isProblem(checked)) {
      if (name !== undefined) values[name] = checked.value;
      continue;
    }
    const source = placeIn(file, text, offsetOfKey(text, key));
    problems.push(
      new StackError('STACK1003', `'${key}' in ${CONFIG_FILE} ${checked.problem}`, { hint: checked.hint, source }),
    );
  }
  return { file, values, problems };
}

function readText(file: string): string {
  let size: number;
  try {
    size = fs.statSync(file).size;
    if (size <= MAX_CONFIG_BYTES) return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const hint = errnoOf(error) === 'EISDIR' ? `${CONFIG_FILE} must be a file` : undefined;
    throw new StackError('STACK1002', `${CONFIG_FILE} cannot be read: ${messageOf(error)}`, { hint, cause: error });
  }
  throw new StackError(
    'STACK1002',
    `${CONFIG_FILE} has ${String(size)} bytes, more than the ${String(MAX_CONFIG_BYTES)} allowed`,
  );
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /at position (\d+)/.exec(messageOf(error))?.[1];
    throw new StackError('STACK1002', `${CONFIG_FILE} is not valid JSON: ${messageOf(error)}`, {
      source: position === undefined ? undefined : placeIn(file, text, Number(position)),
      hint: 'JSON has no comments and no comma after the last member',
      cause: error,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StackError('STACK1002', `${CONFIG_FILE} does not hold a JSON object`, {
    hint: 'for example { "app": "ts-node bin/app.ts" }',
  });
}

function unknownKey(key: string, known: readonly string[]): { problem: string; hint: string } {
  const meant = didYouMean(key, known);
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${meant}'?`;
  return { problem: 'is not known', hint };
}

function placeIn(file: string, text: string, offset: number): string {
  const { line, column } = positionAt(text, offset);
  return `${path.basename(file)}:${String(line)}:${String(column)}`;
}
