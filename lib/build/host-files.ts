import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bytesToName, compareNames, messageOf, nameToBytes, StackError } from '../core';
import { digestOf } from '../oci';
import { identityOf, type FileIdentity } from '../pack';
import type { Store } from '../store';

/** One thing found on the host. */
export interface HostEntry {
  /** Relative to the scanned path; `''` is that itself. */
  readonly path: string;
  readonly file: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly identity: FileIdentity;
  readonly executable: boolean;
  /** Of a symbolic link. */
  readonly target?: string;
}

type CacheEntry = readonly [identity: string, sha256: string];

/** A file changed this shortly before it was hashed may change again without showing it: its hash is not remembered. */
const RACY_NANOSECONDS = 1_000_000_000n;

const RECORD = 'host-files';

/**
 * Looks at files of the user's, and remembers the sha256 of those that have not changed since (by device, inode, size,
 * mtime and ctime), so that a build with nothing to do reads none of them.
 */
export class HostFiles {
  /** @param directory the app's; each has a memory of its own */
  public static async load(store: Store, directory: string): Promise<HostFiles> {
    const key = digestOf(directory);
    const record = await store.readRecord(RECORD, key);
    const known =
      typeof record === 'object' && record !== null ? Object.entries(record as Record<string, CacheEntry>) : [];
    return new HostFiles(store, key, new Map(known));
  }

  private readonly used = new Map<string, CacheEntry>();
  private changed = false;

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

  /** Remembers the sha256 of a file that was read as this identity. */
  public learn(file: string, identity: FileIdentity, sha256: string): void {
    const now = BigInt(Date.now()) * 1_000_000n;
    if (now - identity.mtimeNs < RACY_NANOSECONDS || now - identity.ctimeNs < RACY_NANOSECONDS) return;
    this.used.set(file, [identityText(identity), sha256]);
    this.changed = true;
  }

  /** Writes down what was used or learned; the rest is forgotten. */
  public async save(): Promise<void> {
    if (this.changed) await this.store.writeRecord(RECORD, this.key, Object.fromEntries(this.used));
    this.changed = false;
  }
}

function identityText({ device, inode, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return `${String(device)}:${String(inode)}:${String(size)}:${String(mtimeNs)}:${String(ctimeNs)}`;
}

/**
 * Lists a file or a whole directory in byte order. A symbolic link at `top` itself is followed unless it dangles, those inside are not.
 * @param keep tells whether a path is wanted; an unwanted directory is not entered
 * @throws StackError STACK3003 when something cannot be read, STACK4004 for devices, pipes and sockets
 */
export function scanHost(top: string, keep: (entry: { path: string; file: string }) => boolean): HostEntry[] {
  const found: HostEntry[] = [];
  const visit = (relative: string, file: string, follow: boolean): void => {
    const entry = inspect(relative, file, follow);
    found.push(entry);
    if (entry.type !== 'directory') return;
    for (const name of listDirectory(file)) {
      const child = { path: relative === '' ? name : `${relative}/${name}`, file: path.join(file, name) };
      if (keep(child)) visit(child.path, child.file, false);
    }
  };
  visit('', top, fs.existsSync(nameToBytes(top)));
  return found.sort((a, b) => compareNames(a.path, b.path));
}

function listDirectory(directory: string): string[] {
  try {
    return fs.readdirSync(nameToBytes(directory), { encoding: 'buffer' }).map(bytesToName);
  } catch (error) {
    throw new StackError('STACK3003', `cannot read the directory '${directory}': ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function inspect(relative: string, file: string, follow: boolean): HostEntry {
  const bytes = nameToBytes(file);
  let stat: fs.BigIntStats;
  try {
    stat = follow ? fs.statSync(bytes, { bigint: true }) : fs.lstatSync(bytes, { bigint: true });
  } catch (error) {
    throw new StackError('STACK3003', `cannot read '${file}': ${messageOf(error)}`, { cause: error });
  }
  const entry = { path: relative, file, identity: identityOf(stat), executable: (stat.mode & 0o100n) !== 0n };
  if (stat.isFile()) return { ...entry, type: 'file' };
  if (stat.isDirectory()) return { ...entry, type: 'directory' };
  if (stat.isSymbolicLink())
    return { ...entry, type: 'symlink', target: bytesToName(fs.readlinkSync(bytes, { encoding: 'buffer' })) };
  throw new StackError('STACK4004', `'${file}' is a device, pipe or socket, which cannot be imported`, {
    hint: 'exclude it',
  });
}

/** Reads a file to its end for its sha256, 64 hex characters. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of fs.createReadStream(nameToBytes(file), { highWaterMark: 1024 * 1024 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    throw new StackError('STACK3003', `cannot read '${file}': ${messageOf(error)}`, { cause: error });
  }
  return hash.digest('hex');
}
