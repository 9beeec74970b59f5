import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { messageOf, nameToBytes, StackError } from '../core';
import { digestOf } from '../oci';
import type { FileIdentity } from '../pack';
import type { Store } from '../store';

type CacheEntry = readonly [identity: string, sha256: string];

/**
 * A file changed this shortly before the build looked at it may change again without showing it, since timestamps are
 * coarse: its hash is not remembered.
 */
const RACY_NANOSECONDS = 1_000_000_000n;

/** Of a file that was read, and has to be read again to be sure. */
const NO_IDENTITY = '';

const RECORD = 'host-files';
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Remembers the sha256 of the user's files that have not changed since (by device, inode, size, mtime and ctime), so that a
 * build with nothing to do reads none of them.
 */
export class HostFiles {
  /** @param directory the app's; each has a memory of its own */
  public static async load(store: Store, directory: string): Promise<HostFiles> {
    const key = digestOf(directory);
    const record = await store.readRecord(RECORD, key);
    const known = typeof record === 'object' && record !== null ? Object.entries(record).filter(isCacheEntry) : [];
    return new HostFiles(store, key, new Map(known));
  }

  private readonly used = new Map<string, CacheEntry>();
  private changed = false;
  /** Before anything was looked at, nanoseconds since 1970. */
  private readonly start = BigInt(Date.now()) * 1_000_000n;

  private constructor(
    private readonly store: Store,
    private readonly key: string,
    private readonly known: ReadonlyMap<string, CacheEntry>,
  ) {}

  /** sha256 of a file, 64 hex characters, if it is remembered. */
  public recall(file: string, identity: FileIdentity): string | undefined {
    const entry = this.used.get(file) ?? this.known.get(file);
    if (entry?.[0] !== identityText(identity)) return undefined;
    this.used.set(file, entry);
    return entry[1];
  }

  /** Whether a file was read before, as whatever: then what is made of it may be known, and a look at its sha256 tells. */
  public wasRead(file: string): boolean {
    return this.known.has(file);
  }

  /** Whether a file was read when it had just been written, so that its sha256 was not trusted. */
  public isDoubtful(file: string): boolean {
    return this.known.get(file)?.[0] === NO_IDENTITY;
  }

  /** Remembers the sha256 of a file that was read as this identity. */
  public learn(file: string, identity: FileIdentity, sha256: string): void {
    const newest = identity.mtimeNs > identity.ctimeNs ? identity.mtimeNs : identity.ctimeNs;
    const isRacy = newest > this.start - RACY_NANOSECONDS;
    this.used.set(file, [isRacy ? NO_IDENTITY : identityText(identity), sha256]);
    this.changed = true;
  }

  /** Writes down what was learned; files that are gone are forgotten. */
  public async save(): Promise<void> {
    if (!this.changed) return;
    const others = [...this.known].filter(([file]) => !this.used.has(file) && existsSync(nameToBytes(file)));
    await this.store.writeRecord(RECORD, this.key, Object.fromEntries([...others, ...this.used]));
    this.changed = false;
  }
}

function isCacheEntry(member: [string, unknown]): member is [string, CacheEntry] {
  const entry = member[1];
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string' && SHA256.test(entry[1]);
}

function identityText({ device, inode, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return `${String(device)}:${String(inode)}:${String(size)}:${String(mtimeNs)}:${String(ctimeNs)}`;
}

/**
 * Reads a file to its end.
 * @returns its sha256, 64 hex characters
 * @throws StackError STACK3003
 */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(nameToBytes(file), { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    throw new StackError('STACK3003', `cannot read '${file}': ${messageOf(error)}`, { cause: error });
  }
  return hash.digest('hex');
}
