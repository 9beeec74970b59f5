import { availableParallelism } from 'node:os';
import type { FrameCompressor } from '../zstd';
import { BLOCK_SIZE, STORED_DATA } from './format';
import type { OutputFile } from './output';

/** Blocks in work at a time. Decides memory and speed, never the bytes: blocks are written in the order they came. */
const IN_FLIGHT = Math.min(64, Math.max(16, 4 * availableParallelism()));

/** A block as it was written. */
export interface PlacedBlock {
  readonly position: number;
  readonly bytes: Buffer;
  /** Number of bytes, with {@link STORED_DATA} where they are not compressed: the form inodes and fragments have it in. */
  readonly size: number;
}

/** Compresses data blocks side by side and writes them one after the other. */
export class BlockQueue {
  private readonly spare: Buffer[] = [];
  private readonly inFlight: Promise<void>[] = [];
  private last: Promise<void> = Promise.resolve();

  public constructor(
    private readonly compress: FrameCompressor,
    private readonly output: OutputFile,
  ) {}

  /** A buffer for one block; `write` takes it back. */
  public take(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_SIZE);
  }

  /**
   * Writes the first `length` bytes of a buffer that came from {@link take} as one block.
   * @param placed is told where it went, in the order of the blocks
   * @returns resolves when there is room for a further block
   */
  public write(buffer: Buffer, length: number, placed: (block: PlacedBlock) => void): Promise<void> {
    const block = buffer.subarray(0, length);
    const compressing = this.compress(block);
    compressing.catch(() => undefined); // reported where it is awaited, unless an earlier block failed
    return this.enqueue(async () => {
      const frame = await compressing;
      const [bytes, size] = frame.length < length ? [frame, frame.length] : [block, length | STORED_DATA];
      const { position } = this.output;
      await this.output.append(bytes);
      placed({ position, bytes, size });
      this.spare.push(buffer);
    });
  }

  /** Runs `work` after everything before is written, and before anything after. */
  public enqueue(work: () => Promise<void>): Promise<void> {
    this.last = this.last.then(work);
    this.last.catch(() => undefined); // reported where it is awaited: here when the queue is full, or in drain
    this.inFlight.push(this.last);
    return this.inFlight.length < IN_FLIGHT ? Promise.resolve() : (this.inFlight.shift() ?? this.last);
  }

  /** Resolves when everything is written. */
  public async drain(): Promise<void> {
    await this.last;
  }
}
