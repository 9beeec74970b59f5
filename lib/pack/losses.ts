import { isAcl } from './acl';
import type { Entry, Metadata, Tree } from './entry';

/** What a layer format does not hold of a tree, in words. */
export interface Loss {
  /** Of the warning. */
  readonly id: string;
  readonly message: string;
}

type Described = Extract<Entry, Metadata>;

interface Kind {
  readonly id: string;
  readonly isLost: (entry: Described) => boolean;
  readonly what: string;
}

const MAX_UINT32 = 0xffffffff;

const SQUASHFS: readonly Kind[] = [
  {
    id: 'acl-left-out',
    isLost: ({ xattrs }) => xattrs?.some(isAcl) === true,
    what: 'has a POSIX ACL, which squashfs cannot hold; its mode gives nobody more than the ACL did',
  },
  {
    id: 'time-out-of-range',
    isLost: ({ mtime }) => mtime < 0 || mtime > MAX_UINT32,
    what: 'has a time before 1970 or after 2106, which squashfs cannot hold; it gets the nearest it can',
  },
];

const TAR: readonly Kind[] = [
  {
    id: 'empty-attribute',
    isLost: ({ xattrs }) => xattrs?.some(({ value }) => value.length === 0) === true,
    what: 'has an extended attribute without a value, which some tools lose when they unpack a tar',
  },
];

/** What gets lost of a tree in a layer of a format. */
export function lossesOf(tree: Tree, format: 'tar' | 'squashfs'): readonly Loss[] {
  return (format === 'tar' ? TAR : SQUASHFS).flatMap(({ id, isLost, what }) => {
    const lost = tree.filter((entry) => entry.type !== 'whiteout' && isLost(entry));
    const [first] = lost;
    if (first === undefined) return [];
    const count = lost.length === 1 ? '' : ` (one of ${String(lost.length)})`;
    return [{ id, message: `'/${first.path}'${count} ${what}` }];
  });
}
