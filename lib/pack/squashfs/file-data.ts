import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BlockQueue, PlacedBlock } from './block-queue';
import { BLOCK_SIZE, NONE, STORED_DATA } from './format';
import type { OutputFile } from './output';

/** Where the content of one file is in the image; complete when the queue is drained. */
export interface FileData {
  /** Position of the first block; 0 without blocks. */
  start: number;
  /** Sizes of the full blocks as inodes have them; 0 for a block of zeros, which is not written. */
  blocks: number[];
  /** Bytes in blocks of zeros. */
  sparse: number;
  /** Number of the fragment block that holds what is behind the last full block; NONE without such a rest. */
  fragment: number;
  /** Where in the fragment block it begins. */
  offset: number;
}

/** A fragment block: the ends of several files, and small files as a whole. */
export interface Fragment {
  readonly position: number;
  readonly size: number;
}

/** No content at all. */
export function emptyData(): FileData {
  return { start: 0, blocks: [], sparse: 0, fragment: NONE, offset: 0 };
}

const ZEROS = Buffer.alloc(BLOCK_SIZE);

/**
 * Cuts the contents of files into blocks and fragments. What is there already is not written again: whether two files
 * are equal is found out here, never taken from a checksum the tree may or may not know, so equal trees give equal bytes.
 */
export class FileDataWriter {
  public readonly fragments: Fragment[] = [];
  private readonly ends = new Map<string, FileData>();
  private readonly runs = new Map<string, number>();
  private data = emptyData();
  private checksum = { value: 0 };
  private block: Buffer;
  private blockLength = 0;
  private fragment: Buffer;
  private fragmentLength = 0;
  private fragmentCount = 0;

  public constructor(
    private readonly queue: BlockQueue,
    private readonly output: OutputFile,
  ) {
    this.block = queue.take();
    this.fragment = queue.take();
  }

  /** Begins a file. The one before must have ended. */
  public begin(data: FileData): void {
    this.data = data;
    this.checksum = { value: 0 };
  }

  /** The next bytes of the file; they are copied. */
  public add(chunk: Buffer): void | Promise<void> {
    if (this.blockLength + chunk.length >= BLOCK_SIZE) return this.addBlocks(chunk);
    this.blockLength += chunk.copy(this.block, this.blockLength);
  }

  /** Ends the file. */
  public end(): void | Promise<void> {
    const length = this.blockLength;
    this.blockLength = 0;
    const shared = this.data.blocks.length > this.data.sparse / BLOCK_SIZE ? this.shareRun() : undefined;
    if (length === 0) return shared;
    const rest = this.shareEnd(length);
    return shared === undefined ? rest : shared.then(() => rest);
  }

  /** Writes what is left and waits until everything is written. */
  public async finish(): Promise<void> {
    if (this.fragmentLength > 0) await this.writeFragment();
    await this.queue.drain();
  }

  private async addBlocks(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.block, this.blockLength, at);
      at += copied;
      this.blockLength += copied;
      if (this.blockLength === BLOCK_SIZE) await this.writeBlock();
    }
  }

  private writeBlock(): Promise<void> | undefined {
    const { data, block, checksum } = this;
    const number = data.blocks.push(0) - 1;
    this.blockLength = 0;
    if (block.equals(ZEROS)) {
      data.sparse += BLOCK_SIZE;
      return undefined;
    }
    const placed = ({ position, bytes, size }: PlacedBlock): void => {
      if (data.start === 0) data.start = position;
      data.blocks[number] = size;
      checksum.value = crc32(bytes, checksum.value);
    };
    const room = this.queue.write(block, BLOCK_SIZE, placed);
    this.block = this.queue.take();
    return room;
  }

  /** When the blocks of the file just ended are there already: takes them back and uses those. */
  private shareRun(): Promise<void> {
    const { data, checksum } = this;
    return this.queue.enqueue(async () => {
      const length = data.blocks.reduce((sum, size) => sum + (size & ~STORED_DATA), 0);
      const key = `${String(checksum.value)} ${data.blocks.join(' ')}`;
      const earlier = this.runs.get(key);
      if (earlier === undefined) {
        this.runs.set(key, data.start);
      } else if (await this.output.equal(earlier, data.start, length)) {
        this.output.rewind(data.start);
        data.start = earlier;
      }
    });
  }

  /** Puts the end of the file, in the current block, into a fragment unless one has it already. */
  private shareEnd(length: number): Promise<void> | undefined {
    const { data } = this;
    const end = this.block.subarray(0, length);
    const key = hash('sha256', end, 'binary');
    const earlier = this.ends.get(key);
    if (earlier !== undefined) {
      data.fragment = earlier.fragment;
      data.offset = earlier.offset;
      return undefined;
    }
    this.ends.set(key, data);
    const room = this.fragmentLength + length > BLOCK_SIZE ? this.writeFragment() : undefined;
    data.fragment = this.fragmentCount;
    data.offset = this.fragmentLength;
    this.fragmentLength += end.copy(this.fragment, this.fragmentLength);
    return room;
  }

  private writeFragment(): Promise<void> {
    const room = this.queue.write(this.fragment, this.fragmentLength, ({ position, size }) => {
      this.fragments.push({ position, size });
    });
    this.fragment = this.queue.take();
    this.fragmentLength = 0;
    this.fragmentCount += 1;
    return room;
  }
}
