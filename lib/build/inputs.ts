import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';

/** One thing that a piece of work depends on. */
export interface Input {
  /** As a message says it, such as `import ./app`. */
  readonly name: string;
  /** What it is by content, as plain data. */
  readonly value: unknown;
}

/** What the work for each image depended on, some times that it was done, or was found done. */
const GENERATIONS = 'generations';
/** How many of these times are kept for an image: enough to go back and forth between a few branches. */
const MAX_GENERATIONS = 8;
const MAX_NAMED = 3;

/** Digests of inputs by their names. */
type Generation = Readonly<Record<string, string>>;

/** What an image stands on, as an input. */
export function baseInput(base: readonly KnownDelta[]): Input {
  return { name: 'the base', value: base.map(({ contentKey }) => contentKey) };
}

/** Equal keys mean equal work. */
export function keyOf(inputs: readonly Input[]): string {
  return digestOf(canonicalJson(inputs.map(({ name, value }) => [name, value])));
}

/**
 * Tells why work for an image has to be done, by comparing what it depends on with the most similar of what it depended on
 * before; of equally similar ones with the one that was used last.
 * @param image construct path
 */
export async function explainMiss(context: BuildContext, image: string, inputs: readonly Input[]): Promise<void> {
  const [first, ...others] = await generationsOf(context, image);
  if (first === undefined) return; // the first time needs no reason
  const now = digestsOf(inputs);
  const fewest = others
    .map((each) => differences(each, now))
    .reduce((least, each) => (each.length < least.length ? each : least), differences(first, now));
  const reason = context.isFresh(image) ? '--no-cache was given' : reasonFor(fewest);
  context.listener({ code: 'image-rebuilt', image, reason });
}

/** Remembers what work depends on that is done now, or that was found done. */
export async function rememberInputs(context: BuildContext, image: string, inputs: readonly Input[]): Promise<void> {
  const now = digestsOf(inputs);
  const known = await generationsOf(context, image);
  const [last] = known;
  if (last !== undefined && differences(last, now).length === 0) return;
  const others = known.filter((each) => differences(each, now).length > 0);
  const kept = [now, ...others].slice(0, MAX_GENERATIONS);
  await context.store.writeRecord(GENERATIONS, placeOf(context, image), kept);
}

/** Whether the work for an image was ever done here. */
export async function wasBuilt(context: BuildContext, image: string): Promise<boolean> {
  return (await generationsOf(context, image)).length > 0;
}

/** The most recently used comes first. */
async function generationsOf(context: BuildContext, image: string): Promise<readonly Generation[]> {
  const known = await context.store.readRecord(GENERATIONS, placeOf(context, image));
  return Array.isArray(known) ? known.filter(isGeneration) : [];
}

function isGeneration(value: unknown): value is Generation {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
}

/** Each app has its own images. */
function placeOf({ directory }: BuildContext, image: string): string {
  return digestOf(canonicalJson({ directory, image }));
}

/** Inputs of one name count as one. */
function digestsOf(inputs: readonly Input[]): Generation {
  const values = new Map<string, unknown[]>();
  for (const { name, value } of inputs) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries([...values].map(([name, each]) => [name, digestOf(canonicalJson(each))]));
}

/** Names of what is another, new or gone. */
function differences(before: Generation, now: Generation): readonly string[] {
  const changed = Object.keys(now).filter((name) => before[name] !== now[name]);
  const gone = Object.keys(before).filter((name) => now[name] === undefined);
  return [...changed, ...gone];
}

function reasonFor(names: readonly string[]): string {
  if (names.length === 0) return 'its result is not in the store';
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''} changed`;
}
