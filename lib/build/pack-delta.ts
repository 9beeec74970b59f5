import * as path from 'node:path';
import { canonicalJson } from '../core';
import { digestOf, isDescriptor, isDigest, type Descriptor } from '../oci';
import { contentSize, lossesOf, packTree, type PackedBlob, type Tree } from '../pack';
import type { LayerFormat } from '../plan';
import type { ImageLayer } from '../stack';
import type { BuildContext } from './context';
import type { Delta, KnownDelta } from './delta';
import { describedDelta, reliesOn, rememberIndependent } from './described';
import { packingOf } from './packing';
import { recordIndex } from './path-lists';

const PACKS = 'packs';

/** What packing a delta gave. */
export interface PackedDelta {
  /** Same content, now certainly with its key, and with the layers. */
  readonly delta: KnownDelta;
  readonly layers: ReadonlyMap<LayerFormat, ImageLayer>;
}

/**
 * Gives a delta in every wanted format: taken from the store where it was packed before, else all missing ones are
 * packed from one walk over its tree. Where it relies on the layers below, its filesystem image is packed on its own.
 * @param image construct path, for events
 * @param below what the delta lies on, bottom to top
 * @throws StackError STACK3002, STACK3003, STACK4004, STACK7001, STACK7002, and whatever making the tree throws; as `describedDelta`
 */
export async function packDelta(
  context: BuildContext,
  image: string,
  delta: Delta,
  formats: readonly LayerFormat[],
  below: readonly KnownDelta[],
): Promise<PackedDelta> {
  const { contentKey } = delta;
  const first = contentKey === undefined ? await packUnknown(context, image, delta, formats, below) : undefined;
  const known = first?.delta ?? { ...delta, contentKey: contentKey ?? '' };
  const layers = new Map(first?.layers);
  const missing = formats.filter((format) => !layers.has(format));
  for (const [form, wanted] of await formsOf(context, known, missing, below)) {
    for (const [format, layer] of await packKnown(context, image, form, wanted)) layers.set(format, layer);
  }
  return { delta: packedDelta(known, known.contentKey, layers), layers };
}

/** Whether {@link packDelta} would find a delta in all these formats. */
export async function isPacked(
  context: BuildContext,
  image: string,
  delta: KnownDelta,
  formats: readonly LayerFormat[],
  below: readonly KnownDelta[],
): Promise<boolean> {
  for (const [form, wanted] of await formsOf(context, delta, formats, below)) {
    if ((await findPacked(context, image, form, form.contentKey, wanted)).size < wanted.length) return false;
  }
  return true;
}

/** What is packed for the formats: mostly the delta itself for all of them. */
async function formsOf(
  context: BuildContext,
  delta: KnownDelta,
  formats: readonly LayerFormat[],
  below: readonly KnownDelta[],
): Promise<readonly (readonly [delta: KnownDelta, formats: readonly LayerFormat[]])[]> {
  if (!formats.includes('squashfs')) return [[delta, formats]];
  const described = await describedDelta(context, delta, below);
  if (described === delta) return [[delta, formats]];
  const others = formats.filter((format) => format !== 'squashfs');
  return [[delta, others] as const, [described, ['squashfs']] as const];
}

async function packKnown(
  context: BuildContext,
  image: string,
  delta: KnownDelta,
  formats: readonly LayerFormat[],
): Promise<ReadonlyMap<LayerFormat, ImageLayer>> {
  const { contentKey } = delta;
  let packed: ReadonlyMap<LayerFormat, ImageLayer> = new Map();
  const layers = await context.store.findOrMake(
    `pack ${contentKey}`,
    {
      find: async () => {
        const found = await findPacked(context, image, delta, contentKey, formats);
        return found.size === formats.length ? found : undefined;
      },
      make: async () => {
        const found = await findPacked(context, image, delta, contentKey, formats);
        const missing = formats.filter((format) => !found.has(format));
        const made = await packTreeOf(context, image, await treeAtHand(delta), missing);
        await recordPacked(context, new Set([contentKey, made.treeDigest]), made);
        packed = made.layers;
        return new Map([...found, ...packed]);
      },
    },
    context.signal,
  );
  for (const [format, { descriptor }] of layers) {
    const { digest, size } = descriptor;
    const isReused = !packed.has(format) && delta.existing?.format !== format;
    if (isReused) context.listener({ code: 'layer-reused', image, format, digest, size });
  }
  return layers;
}

/** Packs what is known by content only when it was read, in all formats that are of this one tree. */
async function packUnknown(
  context: BuildContext,
  image: string,
  delta: Delta,
  formats: readonly LayerFormat[],
  below: readonly KnownDelta[],
): Promise<PackedDelta> {
  const tree = await treeAtHand(delta);
  const relies = formats.includes('squashfs') && (await reliesOn(context, tree, below));
  const wanted = relies ? formats.filter((format) => format !== 'squashfs') : formats;
  const made = await packTreeOf(context, image, tree, wanted);
  const { treeDigest, layers } = made;
  await recordPacked(context, new Set([treeDigest]), made);
  await delta.remember?.(treeDigest);
  const known = { ...delta, contentKey: treeDigest, packed: layers };
  if (!relies) await rememberIndependent(context, known, below);
  return { delta: known, layers };
}

async function treeAtHand({ atHand, tree }: Delta): Promise<Tree> {
  return atHand ?? tree();
}

/** The delta without what was only needed to pack it, so that it holds on to nothing large. */
function packedDelta(delta: Delta, contentKey: string, packed: PackedDelta['layers']): KnownDelta {
  const { createdBy, existing, tree } = delta;
  return { contentKey, createdBy, existing, packed, tree };
}

async function findPacked(
  context: BuildContext,
  image: string,
  { existing }: Delta,
  contentKey: string,
  formats: readonly LayerFormat[],
): Promise<ReadonlyMap<LayerFormat, ImageLayer>> {
  const found = new Map<LayerFormat, ImageLayer>();
  for (const format of formats) {
    if (existing?.format === format) {
      found.set(format, existing.layer);
      continue;
    }
    if (context.isFresh(image)) continue;
    const layer = await context.store.readRecord(PACKS, packKey(context, contentKey, format));
    if (!isImageLayer(layer)) continue;
    const { digest, size } = layer.descriptor;
    if (await context.store.hasBlob(digest, size)) found.set(format, layer);
  }
  return found;
}

function isImageLayer(value: unknown): value is ImageLayer {
  if (typeof value !== 'object' || value === null) return false;
  const { descriptor, diffId } = value as Partial<ImageLayer>;
  return isDescriptor(descriptor) && isDigest(diffId);
}

async function recordPacked(
  context: BuildContext,
  contentKeys: ReadonlySet<string>,
  { treeDigest, layers }: PackedTree,
): Promise<void> {
  for (const contentKey of contentKeys) await recordIndex(context, contentKey, treeDigest);
  for (const [format, layer] of layers) {
    await recordIndex(context, layer.diffId, treeDigest); // what it is called when it is met as one that exists
    for (const contentKey of contentKeys) {
      await context.store.writeRecord(PACKS, packKey(context, contentKey, format), layer);
    }
  }
}

function packKey(context: BuildContext, contentKey: string, format: LayerFormat): string {
  return digestOf(canonicalJson({ contentKey, packing: packingOf(context, format).fingerprint }));
}

interface PackedTree {
  readonly treeDigest: string;
  readonly layers: ReadonlyMap<LayerFormat, ImageLayer>;
}

/** Packs a tree in all formats at once. Its path index becomes a blob too, under the tree's digest. */
async function packTreeOf(
  context: BuildContext,
  image: string,
  tree: Tree,
  formats: readonly LayerFormat[],
): Promise<PackedTree> {
  const { store, listener, signal } = context;
  const started = performance.now();
  for (const format of formats) {
    for (const { id, message } of lossesOf(tree, format)) listener({ code: 'warning', id, message, image });
  }
  return store.withTemporaryDirectory(async (directory) => {
    const fileOf = (format: LayerFormat): string => path.join(directory, format);
    const sinks = formats.map((format) => packingOf(context, format).createSink(fileOf(format)));
    const lines: string[] = [];
    const total = contentSize(tree);
    let bytes = 0;
    const result = await packTree(tree, sinks, {
      onIndexLine: (line) => lines.push(`${line}\n`),
      onProgress: (read) => {
        signal?.throwIfAborted();
        bytes += read;
        listener({ code: 'image-progress', image, format: formats.join(', '), bytes, total });
      },
    });
    learnHashes(context, tree, result.hashed);
    await store.addBlob(lines.join(''));
    const layers = new Map<LayerFormat, ImageLayer>();
    for (const [position, format] of formats.entries()) {
      const blob = result.blobs[position];
      if (blob === undefined) continue;
      const { digest, size, diffId } = blob;
      await store.adopt(fileOf(format), digest, size);
      layers.set(format, { descriptor: descriptorOf(blob), diffId });
      listener({ code: 'layer-packed', image, format, digest, size, milliseconds: performance.now() - started });
    }
    return { treeDigest: result.treeDigest, layers };
  });
}

function descriptorOf({ mediaType, digest, size, annotations }: PackedBlob): Descriptor {
  return { mediaType, digest, size, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
}

function learnHashes({ hostFiles }: BuildContext, tree: Tree, hashed: ReadonlyMap<string, string>): void {
  for (const entry of tree) {
    if (entry.type !== 'file' || entry.content.kind !== 'host') continue;
    const sha256 = hashed.get(entry.path);
    if (sha256 !== undefined) hostFiles.learn(entry.content.file, entry.content.identity, sha256);
  }
}
