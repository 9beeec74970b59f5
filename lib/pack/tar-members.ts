import type { TarHeader } from './tar-entry';
import { corrupt } from './tar-fields';
import { paddingOf } from './tar-format';
import { TarParser } from './tar-parser';

/** A member of a tar as it stands there. */
export interface TarMember {
  readonly path: string;
  /** Its headers, its content, and what fills the last block. */
  readonly bytes: Buffer;
}

/**
 * Cuts a small tar that is in memory into its members. These bytes in a row, and {@link TAR_END}, are a tar again.
 * @throws StackError STACK4001, STACK4003, STACK4004 as for all archives
 */
export function tarMembers(tar: Buffer): TarMember[] {
  const members: TarMember[] = [];
  let end = 0;
  const parser = new TarParser({
    header: ({ path, size }: TarHeader, offset: number, isSparse: boolean) => {
      if (isSparse) throw corrupt('has a sparse file'); // its content is not what stands there
      const start = end;
      end = offset + size + paddingOf(size);
      members.push({ path, bytes: tar.subarray(start, end) });
    },
    data: () => undefined,
  });
  Array.from(parser.write(tar)); // all its steps
  parser.end();
  return members;
}

/** The mark at the end of a tar. */
export const TAR_END = Buffer.alloc(1024);
