import { didYouMean, redactCredentials } from '../../core';
import type { Reporter } from './problems';

/**
 * Checks a property's value. An app is usually run without a type check, so it may be anything, whatever its type says.
 * Gives the value when it is good; otherwise reports STACK2006 and gives undefined.
 * @param what the property's name for the message, such as `imports[0].mode`
 */
export type Check<T> = (report: Reporter, what: string, value: unknown) => T | undefined;

/** Reads members of an object: undefined where absent or wrong. */
export type MemberReader<K extends string> = <T>(key: K, check: Check<T>) => T | undefined;

const LONGEST_SHOWN = 80;

/** A value as it is shown in a message: on one line, cut when long. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = redactCredentials(JSON.stringify(value) ?? typeof value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 1)}…` : text;
}

/** Reports that a value is not what is wanted. */
export function wrong(report: Reporter, what: string, value: unknown, wanted: string, hint?: string): undefined {
  report('STACK2006', `${what} is ${show(value)}; it must be ${wanted}`, hint);
}

/** A string that satisfies a condition, and without NUL, which no path, variable or argument can hold. */
export function text(wanted: string, isGood: (value: string) => boolean, hint?: string): Check<string> {
  return (report, what, value) => {
    if (typeof value === 'string' && isGood(value) && !value.includes('\0')) return value;
    return wrong(report, what, value, wanted, hint);
  };
}

export const anyText = text('a string', () => true);
export const nonEmptyText = text('a string that is not empty', (value) => value !== '');

/** A whole number in a range. */
export function integer(range: { readonly min: number; readonly max: number }, hint?: string): Check<number> {
  return (report, what, value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    return wrong(report, what, value, `a whole number from ${String(range.min)} to ${String(range.max)}`, hint);
  };
}

export const flag: Check<boolean> = (report, what, value) =>
  typeof value === 'boolean' ? value : wrong(report, what, value, 'true or false');

/** One of a few words. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (report, what, value) => {
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    const meant = typeof value === 'string' ? didYouMean(value, choices) : undefined;
    return wrong(report, what, value, choices.map(show).join(' or '), suggestion(meant));
  };
}

/** An array whose elements pass a check. */
export function listOf<T>(item: Check<T>): Check<T[]> {
  return (report, what, value) => {
    if (!Array.isArray(value)) return wrong(report, what, value, 'an array');
    const items = Array.from(value as unknown[], (each, index) => item(report, `${what}[${String(index)}]`, each));
    return items.filter((each) => each !== undefined);
  };
}

/** As {@link listOf}, with at least one element and none twice. */
export function setOf<T extends string>(item: Check<T>): Check<T[]> {
  const list = listOf(item);
  return (report, what, value) => {
    if (Array.isArray(value) && value.length === 0) return wrong(report, what, value, 'left out, or name at least one');
    const items = list(report, what, value);
    const twice = items?.find((each, index) => items.indexOf(each) !== index);
    if (twice !== undefined) report('STACK2006', `${what} has ${show(twice)} twice`);
    return items && [...new Set(items)];
  };
}

/** An object whose values are strings and whose keys satisfy a condition. */
export function mapOf(wantedKey: string, isGoodKey: (key: string) => boolean): Check<Record<string, string>> {
  return (report, what, value) => {
    if (!isObject(value)) return wrong(report, what, value, 'an object of strings');
    const entries = Object.entries(value).flatMap(([key, member]) => {
      if (!isGoodKey(key)) report('STACK2006', `${what} has the key ${show(key)}; it must be ${wantedKey}`);
      const good = anyText(report, `${what}.${key}`, member);
      return good === undefined ? [] : [[key, good]];
    });
    return Object.fromEntries(entries) as Record<string, string>;
  };
}

/** Reads the optional members of an object, checking each; `prefix` comes before their names in messages. */
export function membersOf<K extends string>(report: Reporter, prefix: string, value: object): MemberReader<K> {
  return (key, check) => {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    return member === undefined ? undefined : check(report, prefix + key, member);
  };
}

/** Checks that a value is an object with none but known members: nothing would ever read the others, so they are mistakes. */
export function objectOf(...known: readonly string[]): Check<object> {
  return (report, what, value) => {
    if (!isObject(value)) return wrong(report, what, value, 'an object');
    for (const key of Object.keys(value).filter((each) => !known.includes(each))) {
      const hint = suggestion(didYouMean(key, known)) ?? `it knows ${known.join(', ')}`;
      report('STACK2006', `${what} has the unknown property ${show(key)}`, hint);
    }
    return value;
  };
}

/** A hint from what was probably meant. */
export function suggestion(meant: string | undefined): string | undefined {
  return meant === undefined ? undefined : `did you mean ${show(meant)}?`;
}

/** True for an object that is no array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
