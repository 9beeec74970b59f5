import { canonicalJson, mapParallel } from '../core';
import { digestOf, isDigest } from '../oci';
import {
  indexLine,
  isIndependent,
  parseIndexLine,
  surroundingsOf,
  treeDigest,
  withSurroundings,
  type DirectoryEntry,
  type Surroundings,
  type Tree,
} from '../pack';
import type { LayerFormat } from '../plan';
import { viewOfLayers } from '../stack';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { pathListsOf } from './path-lists';

const SURROUNDINGS = 'surroundings';
/** Another number forgets what layers take from those below them: the rules have changed. */
const RULES = 1;

/** Deltas looked at together. */
const AT_A_TIME = 4;

/** What a delta takes, as the store keeps it, and what it is by content with that written out. */
interface Described {
  readonly contentKey: string;
  readonly links: Surroundings['links'];
  /** As lines of a path index. */
  readonly directories: readonly string[];
  readonly vacuous: readonly string[];
}

/**
 * A delta as a filesystem image has to have it, and a directory under an overlay: with the directories and links of the layers
 * below written out where it relies on them. The delta itself where it does not.
 * @param below what it lies on, bottom to top
 * @throws StackError STACK4006 where it puts something below what is no directory; as `pathListOf`, and what making the tree throws
 */
export async function describedDelta(
  context: BuildContext,
  delta: KnownDelta,
  below: readonly KnownDelta[],
): Promise<KnownDelta> {
  // What was made here says all that lies at the bottom, as filesystem images do everywhere.
  if (delta.existing === undefined ? below.length === 0 : delta.existing.format === 'squashfs') return delta;
  const { store } = context;
  const key = keyOf(context, delta, below);
  const known = await store.readRecord(SURROUNDINGS, key);
  const described = isDescribed(known) ? known : await describe(context, delta, below);
  if (described !== known) await store.writeRecord(SURROUNDINGS, key, described);
  if (described.contentKey === delta.contentKey) return delta;
  const { contentKey, links, directories, vacuous } = described;
  const taken = { links, directories: directories.map(parseDirectory), vacuous };
  return { ...delta, contentKey, atHand: undefined, tree: async () => withSurroundings(await delta.tree(), taken) };
}

/** Whether a tree takes anything from the layers below. @throws StackError as {@link describedDelta} */
export async function reliesOn(context: BuildContext, tree: Tree, below: readonly KnownDelta[]): Promise<boolean> {
  return below.length > 0 && !isIndependent(await surroundings(context, tree, below));
}

/** Remembers that a delta takes nothing from those below, so that its tree need not be made again to find out. */
export async function rememberIndependent(
  context: BuildContext,
  delta: KnownDelta,
  below: readonly KnownDelta[],
): Promise<void> {
  if (below.length === 0) return;
  const described: Described = { contentKey: delta.contentKey, links: [], directories: [], vacuous: [] };
  await context.store.writeRecord(SURROUNDINGS, keyOf(context, delta, below), described);
}

/**
 * The deltas of an image, bottom to top, each as {@link describedDelta} over those before it; the same list where none of them
 * takes anything.
 */
export async function describedDeltas(
  context: BuildContext,
  deltas: readonly KnownDelta[],
): Promise<readonly KnownDelta[]> {
  const described = await mapParallel([...deltas.entries()], AT_A_TIME, ([at, delta]) =>
    describedDelta(context, delta, deltas.slice(0, at)),
  );
  return described.every((delta, at) => delta === deltas[at]) ? deltas : described;
}

/** The deltas of an image as they are in a format, or in a container. */
export async function deltasIn(
  context: BuildContext,
  deltas: readonly KnownDelta[],
  format: LayerFormat | undefined,
): Promise<readonly KnownDelta[]> {
  return format === 'squashfs' ? describedDeltas(context, deltas) : deltas;
}

async function describe(context: BuildContext, delta: KnownDelta, below: readonly KnownDelta[]): Promise<Described> {
  const tree = delta.atHand ?? (await delta.tree());
  const taken = await surroundings(context, tree, below);
  const { links, vacuous } = taken;
  const directories = taken.directories.map((directory) => indexLine(directory, undefined));
  if (isIndependent(taken)) return { contentKey: delta.contentKey, links, directories, vacuous };
  const contentKey =
    treeDigest(withSurroundings(tree, taken)) ??
    digestOf(canonicalJson({ layer: delta.contentKey, links, directories, vacuous }));
  return { contentKey, links, directories, vacuous };
}

async function surroundings(context: BuildContext, tree: Tree, below: readonly KnownDelta[]): Promise<Surroundings> {
  return surroundingsOf(tree, viewOfLayers(await pathListsOf(context, below), context.epoch), context.epoch);
}

function keyOf({ epoch }: BuildContext, { contentKey: layer }: KnownDelta, below: readonly KnownDelta[]): string {
  const keys = below.map(({ contentKey }) => contentKey);
  return digestOf(canonicalJson({ rules: RULES, layer, below: keys, epoch }));
}

function parseDirectory(line: string): DirectoryEntry {
  return parseIndexLine(line, () => ({ kind: 'bytes', bytes: Buffer.alloc(0) })) as DirectoryEntry;
}

function isDescribed(value: unknown): value is Described {
  if (typeof value !== 'object' || value === null) return false;
  const { contentKey, links, directories, vacuous } = value as Partial<Described>;
  return isDigest(contentKey) && [links, directories, vacuous].every((each) => Array.isArray(each));
}
