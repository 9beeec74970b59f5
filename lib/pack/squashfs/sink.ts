import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { StackError, syncData, syncFile } from '../../core';
import { ANNOTATION } from '../../oci';
import type { Entry } from '../entry';
import { readChunks } from '../file-io';
import type { PackedBlob, Sink } from '../sink';
import { appendVerity } from '../verity';
import type { FrameCompressor } from '../zstd';
import { BlockQueue } from './block-queue';
import { FileDataWriter } from './file-data';
import { SUPERBLOCK_SIZE } from './format';
import { blockCompressor } from './frame';
import { NodeTree } from './node-tree';
import { OutputFile } from './output';
import { encodeCompressorOptions, encodeSuperblock } from './superblock';
import { writeTables } from './tables';

/** Size of an image is a multiple of this, in bytes: loop devices and dm-verity want whole blocks. */
const IMAGE_UNIT = 4096;

/** How a squashfs image is written. */
export interface SquashfsOptions {
  readonly compress: FrameCompressor;
  /** zstd level of `compress`; the image says it. */
  readonly level: number;
  /** Time of the image, of directories nobody described and of whiteouts, in seconds since 1970: 0 to 2^32 - 1. */
  readonly epoch: number;
  /** Append a dm-verity hash tree and annotate its root. */
  readonly verity: boolean;
  readonly mediaType: string;
}

/**
 * Writes a squashfs 4.0 image (zstd, 128 KiB blocks), with a dm-verity hash tree behind it where one is wanted.
 *
 * The bytes depend on the entries and options only: not on the machine, the number of cores or installed tools.
 * Whiteouts become character devices 0:0, opaque directories get the extended attribute `user.overlay.opaque`, as overlayfs
 * and atomfs read them. Only the metadata of the tree is held in memory.
 *
 * `entry`, `data` and `finish` throw StackError STACK4004 for what squashfs cannot store, STACK4006 for a second entry of one
 * path, STACK3002 for a file that is not as long as its entry says, and the system's own error when a write fails.
 */
export class SquashfsSink implements Sink {
  private readonly compress: FrameCompressor;
  private readonly output: OutputFile;
  private readonly queue: BlockQueue;
  private readonly files: FileDataWriter;
  private readonly tree: NodeTree;
  /** The file whose content is awaited, and how many bytes of it. */
  private current: string | undefined;
  private missing = 0;

  /** @param file the file to create; it must not exist */
  public constructor(
    file: string,
    private readonly options: SquashfsOptions,
  ) {
    this.compress = blockCompressor(options.compress);
    this.output = new OutputFile(file);
    this.queue = new BlockQueue(this.compress, this.output);
    this.files = new FileDataWriter(this.queue, this.output);
    this.tree = new NodeTree(options.epoch);
    const head = Buffer.concat([Buffer.alloc(SUPERBLOCK_SIZE), encodeCompressorOptions(options.level)]);
    void this.queue.enqueue(() => this.output.append(head));
  }

  public entry(entry: Entry): void | Promise<void> {
    const node = this.tree.add(entry);
    const ended = this.endFile();
    if (entry.type === 'file' && node.type === 'file') {
      this.current = entry.path;
      this.missing = entry.size;
      this.files.begin(node.data);
    }
    return ended;
  }

  public data(chunk: Buffer): void | Promise<void> {
    this.missing -= chunk.length;
    return this.files.add(chunk);
  }

  public async finish(): Promise<PackedBlob> {
    await this.endFile();
    await this.files.finish();
    const { level, epoch: time } = this.options;
    const places = await writeTables(this.tree, this.files.fragments, this.output, this.compress);
    await this.output.append(Buffer.alloc((IMAGE_UNIT - (places.size % IMAGE_UNIT)) % IMAGE_UNIT));
    const size = this.output.position;
    const handle = await this.output.complete(encodeSuperblock({ ...places, level, time }));
    // The disk is busy with the image while its digest is computed; what comes behind it is small.
    const [blob] = await Promise.all([this.seal(handle, size), syncData(handle)]);
    await syncFile(handle);
    await this.output.close();
    return blob;
  }

  public async abort(): Promise<void> {
    await Promise.allSettled([this.queue.drain()]);
    await this.output.close();
  }

  private endFile(): void | Promise<void> {
    if (this.current === undefined) return;
    if (this.missing !== 0) throw this.wrongSize();
    this.current = undefined;
    return this.files.end();
  }

  /** Computes the digest of the blob, and appends the verity area where one is wanted. */
  private async seal(handle: FileHandle, imageSize: number): Promise<PackedBlob> {
    const hash = createHash('sha256');
    for await (const chunk of readChunks(handle, 0, imageSize)) hash.update(chunk);
    let size = imageSize;
    let annotations = {};
    if (this.options.verity) {
      const area = await appendVerity(handle, imageSize, hash.copy().digest());
      size += area.size;
      annotations = { [ANNOTATION.verityRootHash]: area.rootHash, [ANNOTATION.verityRootHashLegacy]: area.rootHash };
      for await (const chunk of readChunks(handle, imageSize, size)) hash.update(chunk);
    }
    const digest = `sha256:${hash.digest('hex')}`;
    return { digest, size, mediaType: this.options.mediaType, diffId: digest, annotations };
  }

  private wrongSize(): StackError {
    return new StackError('STACK3002', `'${this.current ?? ''}' is not as long as it was when it was looked at`, {
      hint: 'deploy again when nothing writes to it',
    });
  }
}
