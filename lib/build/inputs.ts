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

/** What the work for each image depended on when it was last done. */
const LAST_INPUTS = 'inputs';
const MAX_NAMED = 3;

/** What an image stands on, as an input. */
export function baseInput(base: readonly KnownDelta[]): Input {
  return { name: 'the base', value: base.map(({ contentKey }) => contentKey) };
}

/** Equal keys mean equal work. */
export function keyOf(inputs: readonly Input[]): string {
  return digestOf(canonicalJson(inputs.map(({ name, value }) => [name, value])));
}

/**
 * Tells why work for an image has to be done, by comparing what it depends on with what it depended on when it was last done.
 * @param image construct path
 */
export async function explainMiss(context: BuildContext, image: string, inputs: readonly Input[]): Promise<void> {
  const before = await context.store.readRecord(LAST_INPUTS, placeOf(context, image));
  if (typeof before !== 'object' || before === null) return; // the first time needs no reason
  const reason = context.isFresh(image)
    ? '--no-cache was given'
    : reasonFor(new Map(Object.entries(before)), digestsOf(inputs));
  context.listener({ code: 'image-rebuilt', image, reason });
}

/** Remembers what work depended on that is done now. */
export async function rememberInputs(context: BuildContext, image: string, inputs: readonly Input[]): Promise<void> {
  await context.store.writeRecord(LAST_INPUTS, placeOf(context, image), Object.fromEntries(digestsOf(inputs)));
}

/** Whether the work for an image was ever done here. */
export async function wasBuilt(context: BuildContext, image: string): Promise<boolean> {
  return (await context.store.readRecord(LAST_INPUTS, placeOf(context, image))) !== undefined;
}

/** Each app has its own images. */
function placeOf({ directory }: BuildContext, image: string): string {
  return digestOf(canonicalJson({ directory, image }));
}

/** Inputs of one name count as one. */
function digestsOf(inputs: readonly Input[]): ReadonlyMap<string, string> {
  const values = new Map<string, unknown[]>();
  for (const { name, value } of inputs) values.set(name, [...(values.get(name) ?? []), value]);
  return new Map([...values].map(([name, each]) => [name, digestOf(canonicalJson(each))]));
}

function reasonFor(before: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, string>): string {
  const changed = [...now].filter(([name, digest]) => before.get(name) !== digest).map(([name]) => name);
  const gone = [...before.keys()].filter((name) => !now.has(name));
  const names = [...changed, ...gone];
  if (names.length === 0) return 'its result is not in the store';
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''} changed`;
}
