import type { FrameCompressor } from '../zstd';
import { BLOCK_LOG } from './format';

/** In the frame header descriptor: there is no window descriptor (RFC 8878, section 3.1.1.1.1). */
const SINGLE_SEGMENT = 0x20;
const DESCRIPTOR = 4;
const WINDOW = 5;
/** Window descriptor of one block: the exponent above 2^10, in the upper five bits (RFC 8878, section 3.1.1.1.2). */
const BLOCK_WINDOW = (BLOCK_LOG - 10) << 3;

/**
 * A compressor whose frames the kernel can read. It refuses a frame that asks for a window larger than a data block
 * (Linux, fs/squashfs/zstd_wrapper.c), and a streaming encoder asks for megabytes however short the content is.
 * Nothing refers back further than the content is long, so the window written into the header can be a block's.
 */
export function blockCompressor(compress: FrameCompressor): FrameCompressor {
  return async (content) => {
    const frame = await compress(content);
    const windowed = ((frame[DESCRIPTOR] ?? 0) & SINGLE_SEGMENT) === 0;
    if (windowed && (frame[WINDOW] ?? 0) > BLOCK_WINDOW) frame[WINDOW] = BLOCK_WINDOW;
    return frame;
  };
}
