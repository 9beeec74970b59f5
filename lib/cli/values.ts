import { didYouMean } from '../core';
import type { OptionSpec } from './options';
import { impreciseNumber } from './json-numbers';
import { durationOf, sizeOf } from './quantities';

/** A value that was checked, or what is wrong with it. */
export type Checked = { readonly value: unknown } | Problem;

/** What is wrong with a value; `problem` continues a sentence that begins with the option's name. */
export interface Problem {
  readonly problem: string;
  readonly hint?: string | undefined;
}

/** Tells a problem from a value. */
export function isProblem(checked: Checked): checked is Problem {
  return 'problem' in checked;
}

/** Checks a value of the command line: text, a list of texts, or a boolean. */
export function fromFlag(spec: OptionSpec, raw: boolean | string | readonly string[], literal = false): Checked {
  if (typeof raw === 'boolean') return { value: raw };
  if (spec.type === 'context') return contextFromFlags([raw].flat(), literal);
  return typeof raw === 'string' ? fromText(spec, raw) : each(raw, (text) => fromText(spec, text));
}

/** Checks a value of the environment; repeatable ones are separated by commas. */
export function fromVariable(spec: OptionSpec, raw: string): Checked {
  if (spec.type === 'context') return contextFromJson(raw);
  if (spec.type === 'boolean') return booleanFromText(raw);
  return spec.repeatable === true ? each(raw.split(','), (text) => fromText(spec, text.trim())) : fromText(spec, raw);
}

/** Checks a value of cdk-stack.json. A repeatable one may be a list or a single value. */
export function fromJson(spec: OptionSpec, raw: unknown): Checked {
  if (spec.type === 'context')
    return isObject(raw) ? { value: raw } : { problem: `must be an object, not ${nameOf(raw)}` };
  if (spec.repeatable !== true) return scalarFromJson(spec, raw);
  return each(Array.isArray(raw) ? (raw as unknown[]) : [raw], (item) => scalarFromJson(spec, item));
}

function scalarFromJson(spec: OptionSpec, raw: unknown): Checked {
  if (spec.type === 'boolean') return typeof raw === 'boolean' ? { value: raw } : wrongType('true or false', raw);
  if (spec.type === 'integer')
    return typeof raw === 'number' ? fromText(spec, String(raw)) : wrongType('a number', raw);
  return typeof raw === 'string' ? fromText(spec, raw) : wrongType('a string', raw);
}

function fromText(spec: OptionSpec, text: string): Checked {
  if (spec.type === 'integer') return integerFromText(spec, text);
  if (text === '') return { problem: 'must not be empty' };
  if (spec.type === 'size') return quantity(sizeOf(text), text, 'a size such as 20GB or 512MiB');
  if (spec.type === 'duration') return quantity(durationOf(text), text, 'a duration such as 14d or 12h');
  if (spec.choices === undefined || spec.choices.includes(text)) return { value: text };
  const meant = didYouMean(text, spec.choices);
  return {
    problem: `must be one of ${spec.choices.join(', ')}, not '${text}'`,
    hint: meant === undefined ? undefined : `did you mean ${meant}?`,
  };
}

function integerFromText(spec: OptionSpec, text: string): Checked {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  const minimum = spec.minimum ?? 0;
  return value >= minimum ? { value } : { problem: `must be a whole number from ${String(minimum)}, not '${text}'` };
}

function quantity(value: number | undefined, text: string, what: string): Checked {
  return value === undefined ? { problem: `must be ${what}, not '${text}'` } : { value };
}

function booleanFromText(text: string): Checked {
  if (/^(1|true|yes|on)$/i.test(text)) return { value: true };
  if (/^(0|false|no|off)$/i.test(text)) return { value: false };
  return { problem: `must be true or false, not '${text}'` };
}

/** Reads `KEY=VALUE` words. */
function contextFromFlags(words: readonly string[], literal: boolean): Checked {
  const entries: [string, unknown][] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) return { problem: `must be KEY=VALUE, not '${word}'`, hint: 'for example -c debug=true' };
    const [key, text] = [word.slice(0, at), word.slice(at + 1)];
    const checked = literal ? { value: text } : contextValue(text);
    if (isProblem(checked)) return { ...checked, problem: `of '${key}' ${checked.problem}` };
    entries.push([key, checked.value]);
  }
  return { value: Object.fromEntries(entries) };
}

/**
 * Reads a context value: `true`, `false`, `null`, JSON objects and arrays, and numbers that print back as the very same text.
 * Everything else is text: CDK takes all for text, so that "false" is truthy (aws-cdk#2204), and all JSON for JSON would turn the
 * version 1.10 into 1.1 and the commit 12e4567 into nothing.
 */
function contextValue(text: string): Checked {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  if (text === 'null') return { value: null };
  const number = Number(text);
  if (Number.isFinite(number) && String(number) === text) return { value: number };
  return /^\s*[[{]/.test(text) ? (jsonValue(text) ?? { value: text }) : { value: text };
}

/** Undefined for what is no JSON. */
function jsonValue(text: string): Checked | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const lost = impreciseNumber(text);
  if (lost === undefined) return { value };
  return {
    problem: `has the number ${lost.text}, which would not be kept exactly`,
    hint: 'write it in quotes, as text',
  };
}

function contextFromJson(text: string): Checked {
  const checked = jsonValue(text);
  if (checked !== undefined && (isProblem(checked) || isObject(checked.value))) return checked;
  return { problem: `must be a JSON object, not '${text}'` };
}

function each<T>(items: readonly T[], check: (item: T) => Checked): Checked {
  const values: unknown[] = [];
  for (const item of items) {
    const checked = check(item);
    if (isProblem(checked)) return checked;
    values.push(checked.value);
  }
  return { value: values };
}

function wrongType(expected: string, raw: unknown): Problem {
  return { problem: `must be ${expected}, not ${nameOf(raw)}` };
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
