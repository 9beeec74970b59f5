import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import { canonicalJson } from '../core';
import { digestOf, isDigest, MEDIA_TYPE, type Descriptor } from '../oci';
import {
  contentSize,
  createCompressor,
  packTree,
  SquashfsSink,
  TarSink,
  treeDigest,
  zstdCompressor,
  type Sink,
  type Tree,
} from '../pack';
import type { LayerFormat } from '../plan';
import type { ImageLayer } from '../stack';
import type { BuildContext } from './context';

/**
 * Names the way trees become bytes. Changing those bytes means another number here, and new golden digests.
 */
export const PACKER_VERSION = 1;

const PACKS = 'packs';
const DEFAULT_SQUASHFS_LEVEL = 3;

/** One filesystem delta: what will be, or already is, one layer. */
export interface Delta {
  /** What the delta is by content: its tree's digest, or the diffId of a layer that exists. Undefined until every file was read. */
  readonly contentKey: string | undefined;
  /** How it was made, for the image's history. */
  readonly createdBy: string;
  tree(): Promise<Tree>;
  /** A layer that exists already is used as it is where its format fits. */
  readonly existing?: { readonly format: LayerFormat; readonly layer: ImageLayer } | undefined;
}

/** What packing a delta gave. */
export interface PackedDelta {
  /** Same content, now certainly with its key. */
  readonly delta: Delta & { readonly contentKey: string };
  readonly layers: ReadonlyMap<LayerFormat, ImageLayer>;
}

/** A delta whose tree is at hand. */
export function deltaOf(tree: Tree, createdBy: string): Delta {
  return { contentKey: treeDigest(tree), createdBy, tree: () => Promise.resolve(tree) };
}

/**
 * Gives a delta in every wanted format: taken from the store where it was packed before, else all missing ones are
 * packed from one walk over its tree.
 * @param image construct path, for events
 */
export async function packDelta(
  context: BuildContext,
  image: string,
  delta: Delta,
  formats: readonly LayerFormat[],
): Promise<PackedDelta> {
  const layers = new Map<LayerFormat, ImageLayer>();
  const missing: LayerFormat[] = [];
  for (const format of formats) {
    const found =
      delta.existing?.format === format ? delta.existing.layer : await findPacked(context, delta.contentKey, format);
    if (found === undefined) missing.push(format);
    else layers.set(format, found);
    if (found !== undefined && delta.existing === undefined) {
      context.listener({
        code: 'layer-reused',
        image,
        format,
        digest: found.descriptor.digest,
        size: found.descriptor.size,
      });
    }
  }
  if (missing.length === 0 && delta.contentKey !== undefined)
    return { delta: { ...delta, contentKey: delta.contentKey }, layers };
  const packed = await packMissing(context, image, await delta.tree(), missing);
  for (const [format, layer] of packed.layers) layers.set(format, layer);
  return { delta: { ...delta, contentKey: delta.contentKey ?? packed.treeDigest }, layers };
}

async function findPacked(
  context: BuildContext,
  contentKey: string | undefined,
  format: LayerFormat,
): Promise<ImageLayer | undefined> {
  if (contentKey === undefined) return undefined;
  const record = (await context.store.readRecord(PACKS, packKey(context, contentKey, format))) as
    ImageLayer | undefined;
  if (record === undefined || !isDigest(record.diffId) || !isDigest(record.descriptor.digest)) return undefined;
  return (await context.store.hasBlob(record.descriptor.digest, record.descriptor.size)) ? record : undefined;
}

async function packMissing(
  context: BuildContext,
  image: string,
  tree: Tree,
  formats: readonly LayerFormat[],
): Promise<{ readonly treeDigest: string; readonly layers: ReadonlyMap<LayerFormat, ImageLayer> }> {
  const started = performance.now();
  return context.store.withTemporaryDirectory(async (directory) => {
    const fileOf = (format: LayerFormat): string => path.join(directory, format);
    const sinks = formats.map((format) => createSink(context, format, fileOf(format)));
    const lines: string[] = [];
    const total = contentSize(tree);
    let bytes = 0;
    const result = await packTree(tree, sinks, {
      onIndexLine: (line) => lines.push(line),
      onProgress: (read) => {
        bytes += read;
        context.listener({ code: 'image-progress', image, format: formats.join(', '), bytes, total });
      },
    });
    learnHashes(context, tree, result.hashed);
    await context.store.addBlob(lines.map((line) => `${line}\n`).join(''));
    const layers = new Map<LayerFormat, ImageLayer>();
    for (const [position, format] of formats.entries()) {
      const blob = result.blobs[position];
      if (blob === undefined) continue;
      const { digest, size, mediaType, diffId, annotations } = blob;
      await context.store.adopt(fileOf(format), digest, size);
      const descriptor: Descriptor = {
        mediaType,
        digest,
        size,
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      };
      layers.set(format, { descriptor, diffId });
      await context.store.writeRecord(PACKS, packKey(context, result.treeDigest, format), {
        descriptor,
        diffId,
      } satisfies ImageLayer);
      context.listener({
        code: 'layer-packed',
        image,
        format,
        digest,
        size,
        milliseconds: performance.now() - started,
      });
    }
    return { treeDigest: result.treeDigest, layers };
  });
}

function learnHashes(context: BuildContext, tree: Tree, hashed: ReadonlyMap<string, string>): void {
  for (const entry of tree) {
    if (entry.type !== 'file' || entry.content.kind !== 'host') continue;
    const sha256 = hashed.get(entry.path);
    if (sha256 !== undefined) context.hostFiles.learn(entry.content.file, entry.content.identity, sha256);
  }
}

function createSink(context: BuildContext, format: LayerFormat, file: string): Sink {
  const { tar, squashfs } = context.plan;
  if (format === 'tar')
    return new TarSink(file, createCompressor(tar?.compression ?? 'zstd', tar?.level), availableParallelism() + 1);
  const level = squashfs?.level ?? DEFAULT_SQUASHFS_LEVEL;
  return new SquashfsSink(file, {
    compress: zstdCompressor(level),
    level,
    epoch: context.epoch,
    verity: squashfs?.verity ?? true,
    mediaType: squashfs?.mediaType === 'legacy' ? MEDIA_TYPE.squashfsLegacy : MEDIA_TYPE.squashfs,
  });
}

/** Everything the bytes of a blob depend on besides the tree. */
function packKey(context: BuildContext, contentKey: string, format: LayerFormat): string {
  const { tar, squashfs } = context.plan;
  const how =
    format === 'tar'
      ? { compressor: createCompressor(tar?.compression ?? 'zstd', tar?.level).version }
      : { ...squashfs, level: squashfs?.level ?? DEFAULT_SQUASHFS_LEVEL, epoch: context.epoch };
  return digestOf(canonicalJson({ contentKey, format, how, packer: PACKER_VERSION }));
}
