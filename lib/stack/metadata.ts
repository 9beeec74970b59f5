import type { Metadata, Xattr } from '../pack';

/** Owner, mode and attributes of a file, whose time is another matter. */
export type Ownership = Omit<Metadata, 'mtime'>;

/**
 * Merges the metadata of a file three-way, field by field: what one component alone changed of the base wins.
 * @param sides of the components that have the file; at least one
 * @returns undefined where two changed a field in different ways, or differ without a base
 */
export function mergeMetadata(base: Metadata | undefined, sides: readonly Metadata[]): Ownership | undefined {
  const field = <T>(get: (from: Metadata) => T): { readonly value: T } | undefined => {
    const textOf = (from: Metadata): string => JSON.stringify(get(from)) ?? '';
    const old = base && textOf(base);
    const [first, ...others] = sides.filter((side) => textOf(side) !== old);
    if (first === undefined) return base && { value: get(base) };
    return others.every((other) => textOf(other) === textOf(first)) ? { value: get(first) } : undefined;
  };
  const mode = field((from) => from.mode);
  const uid = field((from) => from.uid);
  const gid = field((from) => from.gid);
  const xattrs = field((from): readonly Xattr[] | undefined => from.xattrs);
  if (mode === undefined || uid === undefined || gid === undefined || xattrs === undefined) return undefined;
  return {
    mode: mode.value,
    uid: uid.value,
    gid: gid.value,
    ...(xattrs.value === undefined ? {} : { xattrs: xattrs.value }),
  };
}
