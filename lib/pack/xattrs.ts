import { StackError } from '../core';
import { isAcl, isValidAcl } from './acl';
import type { Xattr } from './entry';
import { LIBARCHIVE_XATTR, SCHILY_XATTR, type PaxRecords } from './pax';

/** Sorted copy of extended attributes, or undefined for none. */
export function sortXattrs(xattrs: Iterable<readonly [string, Buffer]>): readonly Xattr[] | undefined {
  const sorted = [...xattrs].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.length === 0 ? undefined : sorted;
}

/**
 * The extended attributes in a pax header. Where both spellings are there, star's wins, being exact.
 * @throws StackError STACK4001 for a name that is not properly encoded
 */
export function xattrsOf(records: PaxRecords | undefined): readonly Xattr[] | undefined {
  if (records === undefined) return undefined;
  const libarchive: [string, Buffer][] = [];
  const schily: [string, Buffer][] = [];
  for (const [keyword, value] of records) {
    if (keyword.startsWith(SCHILY_XATTR)) schily.push([keyword.slice(SCHILY_XATTR.length), value]);
    if (!keyword.startsWith(LIBARCHIVE_XATTR)) continue;
    libarchive.push([
      percentDecoded(keyword.slice(LIBARCHIVE_XATTR.length)),
      Buffer.from(value.toString('latin1'), 'base64'),
    ]);
  }
  return sortXattrs(new Map([...libarchive, ...schily]));
}

function percentDecoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new StackError('STACK4001', `it has an extended attribute whose name '${name}' is not valid`, { cause });
  }
}

/**
 * The attributes that belong to the content: `user.*`, file capabilities, and POSIX ACLs, without which the mode would give
 * other rights. The rest describes the machine an archive was made on (SELinux labels, IMA signatures) or is overlayfs' own
 * bookkeeping.
 * @throws StackError STACK4001 for an ACL that no kernel takes
 */
export function portableXattrs(xattrs: readonly Xattr[] | undefined): readonly Xattr[] | undefined {
  const portable = xattrs?.filter(
    (each) =>
      each.name === 'security.capability' ||
      isAcl(each) ||
      (each.name.startsWith('user.') && !each.name.startsWith('user.overlay.')),
  );
  const broken = portable?.find((each) => isAcl(each) && !isValidAcl(each.value));
  if (broken !== undefined) throw new StackError('STACK4001', `it has an attribute ${broken.name} that is no ACL`);
  return portable?.length === 0 ? undefined : portable;
}

/** GNU tar's way to write names of attributes in pax headers, whose keywords end at the first `=`. */
export function gnuEncoded(xattrs: readonly Xattr[] | undefined): readonly Xattr[] | undefined {
  const encode = (name: string): string => name.replaceAll('%', '%25').replaceAll('=', '%3D');
  return xattrs?.map(({ name, value }) => ({ name: encode(name), value }));
}

/** The reverse of {@link gnuEncoded}. */
export function gnuDecoded(xattrs: readonly Xattr[] | undefined): readonly Xattr[] | undefined {
  const decode = (name: string): string => name.replaceAll('%3D', '=').replaceAll('%25', '%');
  return xattrs && sortXattrs(xattrs.map(({ name, value }) => [decode(name), value]));
}

/** Whether overlayfs' own mark for an opaque directory is among them (kernel, overlayfs.rst). */
export function saysOpaque(xattrs: readonly Xattr[] | undefined): boolean {
  return (
    xattrs?.some(
      ({ name, value }) => /^(trusted|user)\.overlay\.opaque$/.test(name) && value.toString('latin1') === 'y',
    ) ?? false
  );
}
