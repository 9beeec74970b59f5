import type { Metadata, Xattr } from './entry';

/** Extended attributes by which Linux keeps POSIX ACLs (acl(5)). */
const ACCESS = 'system.posix_acl_access';
const DEFAULT = 'system.posix_acl_default';

/** Linux, include/uapi/linux/posix_acl_xattr.h and posix_acl.h. */
const VERSION = 2;
const TAG = { user: 0x01, namedUser: 0x02, group: 0x04, namedGroup: 0x08, mask: 0x10, other: 0x20 } as const;
const NO_ID = 0xffffffff;
const ENTRY_SIZE = 8;

interface AclEntry {
  readonly tag: number;
  /** 0 to 7. */
  readonly rights: number;
  /** Of a named user or group; undefined where only its name is known. */
  readonly id: number | undefined;
}

/** Whether an extended attribute is a POSIX ACL. */
export function isAcl({ name }: Pick<Xattr, 'name'>): boolean {
  return name === ACCESS || name === DEFAULT;
}

/** Whether the value of an ACL's attribute is one that Linux would take. */
export function isValidAcl(value: Buffer): boolean {
  return parseAcl(value) !== undefined;
}

/**
 * What is left of metadata in a file system that has no ACLs. With an ACL, the bits of the group are the most that anybody gets by
 * name; alone they would be the group's. So nobody gets more than before: the group what its own entry gave, and neither the
 * group nor others more than those had who were named.
 */
export function withoutAcls(metadata: Pick<Metadata, 'mode' | 'xattrs'>): Pick<Metadata, 'mode' | 'xattrs'> {
  const { mode, xattrs } = metadata;
  if (xattrs?.some(isAcl) !== true) return metadata;
  const acl = parseAcl(xattrs.find(({ name }) => name === ACCESS)?.value ?? Buffer.alloc(0)) ?? [];
  return { mode: narrowed(mode, acl), xattrs: xattrs.filter((each) => !isAcl(each)) };
}

/** Attributes without the ACL of the file itself, where another mode is to say who may do what. */
export function withoutAccessAcl(xattrs: readonly Xattr[] | undefined): readonly Xattr[] | undefined {
  const others = xattrs?.filter(({ name }) => name !== ACCESS);
  return others?.length === 0 ? undefined : others;
}

/**
 * The attributes that stand for ACLs written as text, as GNU tar, star and libarchive have them in pax headers.
 * @returns also the mode: narrowed where an ACL names somebody whose id only the machine of the archive knows
 */
export function aclsOfText(
  mode: number,
  texts: Readonly<Record<'access' | 'default', string | undefined>>,
): { readonly mode: number; readonly xattrs: readonly Xattr[] } | undefined {
  const access = texts.access === undefined ? [] : parseText(texts.access);
  const inherited = texts.default === undefined ? [] : parseText(texts.default);
  if (access === undefined || inherited === undefined) return undefined;
  const isKnown = (acl: readonly AclEntry[]): boolean => acl.length > 0 && acl.every(({ id }) => id !== undefined);
  const xattrs = [
    ...(isKnown(access) && !isMinimal(access) ? [{ name: ACCESS, value: encodeAcl(access) }] : []),
    ...(isKnown(inherited) ? [{ name: DEFAULT, value: encodeAcl(inherited) }] : []),
  ];
  return { mode: access.length > 0 && !isKnown(access) ? narrowed(mode, access) : mode, xattrs };
}

function narrowed(mode: number, acl: readonly AclEntry[]): number {
  const mask = acl.find(({ tag }) => tag === TAG.mask)?.rights;
  if (mask === undefined) return mode;
  const rightsOf = (...tags: readonly number[]): number =>
    acl.reduce((rights, entry) => (tags.includes(entry.tag) ? rights & entry.rights & mask : rights), 7);
  const group = rightsOf(TAG.group, TAG.namedUser);
  const other = mode & 7 & rightsOf(TAG.namedUser, TAG.namedGroup);
  return (mode & ~0o77) | (group << 3) | other;
}

function isMinimal(acl: readonly AclEntry[]): boolean {
  return acl.every(({ tag }) => tag === TAG.user || tag === TAG.group || tag === TAG.other);
}

function parseAcl(value: Buffer): readonly AclEntry[] | undefined {
  if (value.length < 4 || (value.length - 4) % ENTRY_SIZE !== 0 || value.readUInt32LE(0) !== VERSION) return undefined;
  const acl: AclEntry[] = [];
  for (let at = 4; at < value.length; at += ENTRY_SIZE) {
    acl.push({ tag: value.readUInt16LE(at), rights: value.readUInt16LE(at + 2), id: value.readUInt32LE(at + 4) });
  }
  return isConsistent(acl) ? acl : undefined;
}

/** Whether owner, group and others are there once, and a mask where somebody is named. */
function isConsistent(acl: readonly AclEntry[]): boolean {
  const tags: readonly number[] = Object.values(TAG);
  if (acl.length === 0) return true;
  if (acl.some(({ tag, rights }) => !tags.includes(tag) || rights > 7)) return false;
  const count = (tag: number): number => acl.filter((entry) => entry.tag === tag).length;
  const isNamed = count(TAG.namedUser) + count(TAG.namedGroup) > 0;
  const single = [TAG.user, TAG.group, TAG.other].every((tag) => count(tag) === 1);
  return single && count(TAG.mask) <= 1 && (!isNamed || count(TAG.mask) === 1);
}

function encodeAcl(acl: readonly AclEntry[]): Buffer {
  const sorted = [...acl].sort((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0));
  const value = Buffer.alloc(4 + ENTRY_SIZE * sorted.length);
  value.writeUInt32LE(VERSION);
  for (const [number, { tag, rights, id }] of sorted.entries()) {
    const at = 4 + ENTRY_SIZE * number;
    value.writeUInt16LE(tag, at);
    value.writeUInt16LE(rights, at + 2);
    value.writeUInt32LE(id ?? NO_ID, at + 4);
  }
  return value;
}

const TEXT_TAGS: Readonly<Record<string, readonly [own: number, named: number]>> = {
  user: [TAG.user, TAG.namedUser],
  group: [TAG.group, TAG.namedGroup],
  mask: [TAG.mask, TAG.mask],
  other: [TAG.other, TAG.other],
};

/** The text of acl(5), entries on lines or between commas; star adds the id as a fourth field. */
function parseText(text: string): readonly AclEntry[] | undefined {
  const acl: AclEntry[] = [];
  for (const line of text.split(/[\n,]/)) {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const [, tag = '', name = '', rights = '', id] =
      /^(user|group|mask|other):([^:]*):([r-][w-][x-])(?::([0-9]{1,10}))?$/.exec(entry) ?? [];
    const tags = TEXT_TAGS[tag];
    if (tags === undefined) return undefined;
    const number = id ?? (/^[0-9]{1,10}$/.test(name) ? name : undefined);
    acl.push({
      tag: tags[name === '' ? 0 : 1],
      rights: [...rights].reduce((bits, letter) => bits * 2 + (letter === '-' ? 0 : 1), 0),
      id: name === '' ? NO_ID : number === undefined || Number(number) >= NO_ID ? undefined : Number(number),
    });
  }
  return isConsistent(acl) ? acl : undefined;
}
