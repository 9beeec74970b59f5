import { inflate } from 'node:zlib';
import { messageOf, StackError } from '../../core';
import { requireRoom, type ArchiveLimits } from '../archive-limits';
import { decodeXz } from '../xz';
import { decodeZstd } from '../zstd-decoder';
import { damaged } from './damage';
import { METADATA_SIZE } from './format';

/** Compressors by their numbers in the superblock (Linux, fs/squashfs/squashfs_fs.h). */
const COMPRESSORS = ['', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];
/** Bytes the zstd decoder may move for one block that nearly nothing comes out of. */
const FREE_MOVES = 64 * 1024 * 1024;

/** Decompresses the blocks of one image. */
export class BlockDecoder {
  private readonly decode: (bytes: Buffer, most: number) => Promise<Buffer>;
  private work = 0;

  /**
   * @param compressor number of the compressor
   * @param imageSize bytes of the image, which the work is measured by
   * @throws StackError STACK4001 for an unknown compressor, STACK4005 for one we have no decoder of
   */
  public constructor(
    compressor: number,
    private readonly imageSize: number,
    private readonly limits: ArchiveLimits,
  ) {
    this.decode = decoderOf(compressor);
  }

  /**
   * The content of a compressed block.
   * @param most bytes that it may have
   * @throws StackError STACK4001 when it is corrupt, or has more; STACK4003 when the image makes too much work
   */
  public async content(bytes: Buffer, most: number): Promise<Buffer> {
    let content: Buffer;
    try {
      content = await this.decode(bytes, most);
    } catch (error) {
      if (StackError.is(error)) throw error;
      throw damaged(`has a block that is corrupt: ${messageOf(error)}`, error);
    }
    // A block takes time also where next to nothing is in it, and can be pointed to any number of times.
    this.work += content.length + METADATA_SIZE;
    requireRoom(this.work, this.imageSize, this.limits);
    return content;
  }
}

function decoderOf(compressor: number): (bytes: Buffer, most: number) => Promise<Buffer> {
  const name = COMPRESSORS[compressor] ?? '';
  switch (name) {
    case 'gzip':
      return inflateBlock;
    case 'xz':
      return (bytes, most) => collect(decodeXz(once(bytes)), most);
    case 'zstd':
      return (bytes, most) => {
        const limits = { window: Math.max(most, METADATA_SIZE), freeMoves: FREE_MOVES };
        return collect(decodeZstd(once(bytes), 'a block', limits), most);
      };
    case '':
      throw damaged('has an unknown compressor');
    default:
      throw new StackError('STACK4005', `the filesystem image is compressed with ${name}, which cannot be read`, {
        hint: 'make it with zstd, gzip or xz',
      });
  }
}

function inflateBlock(bytes: Buffer, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    inflate(bytes, { maxOutputLength: most }, (error, content) => {
      if (error === null) resolve(content);
      else reject(error);
    });
  });
}

async function collect(chunks: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > most) throw new Error(`it has more than ${String(most)} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
