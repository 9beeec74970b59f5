import { createHash } from 'node:crypto';
import { createReadStream, existsSync, promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  damagedFile,
  errnoOf,
  isFullDisk,
  makeDirectories,
  messageOf,
  removeDeadLocks,
  StackError,
  syncFile,
  withLock,
  writeFailure,
} from '../core';
import { digestOf, hexOf, isDigest } from '../oci';
import { planCollection, takeOut, type CollectPlan, type CollectPolicy } from './collect';
import { Exclusive } from './exclusive';
import { noteUse } from './last-use';
import { parseRecord, recordText } from './record-file';
import { leftoversIn, newTemporaryDirectory } from './temporary';
import { isWhole, markTree } from './tree-mark';

/** Layout of the store's directory; another number is another store. */
const STORE_VERSION = 'v1';
const ROOMS = ['blobs/sha256', 'records', 'trees', 'state', 'tmp', 'runs', 'locks'];
/** Name of an unpacked tree in the directory that is of the store around it. */
export const TREE = 'tree';
/** Held by whoever begins to use the store, or takes something out of it. */
const STORE_LOCK = 'store';
/** Milliseconds to wait for it: nobody holds it for long. */
const PATIENCE = 60_000;
/** Milliseconds for what is not waited for. */
const NO_PATIENCE = -1;

/** Where the store is unless told otherwise: `$STACK_HOME`, else `cdk-stack` in the XDG cache directory. */
export function defaultStoreDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['STACK_HOME'];
  if (home !== undefined && home !== '') return path.resolve(home);
  const cache = env['XDG_CACHE_HOME'];
  return path.join(
    cache !== undefined && path.isAbsolute(cache) ? cache : path.join(os.homedir(), '.cache'),
    'cdk-stack',
  );
}

/** What a store tells of its use. */
export interface StoreOptions {
  /** Receives each file that turned out to be damaged, and that was removed. */
  readonly onDamage?: (file: string) => void;
  /** Receives each other process that is waited for, and what it is using. */
  readonly onWait?: (owner: string, what: string) => void;
}

/**
 * The local content-addressed store: blobs by digest, and small JSON records by key.
 *
 * Everything in it can be made again, and nothing in it is changed once it has its final name. A blob gets that name only when
 * it is complete and on the disk; what was not durable at a crash is missing afterwards, never wrong. A process killed at any
 * point leaves at most temporary directories and locks, which a later one removes. Several processes may use one store: what
 * two of them need is made by one, and nothing is collected while one is at work.
 */
export class Store {
  /**
   * Opens a store, making it if need be.
   * @param options what to tell of its use
   * @throws StackError STACK7001 when the directory cannot be used, STACK7002 when the disk is full
   */
  public static async open(directory = defaultStoreDirectory(), options: StoreOptions = {}): Promise<Store> {
    const store = new Store(path.join(directory, STORE_VERSION), options);
    try {
      for (const room of ROOMS) await makeDirectories(path.join(store.directory, room), 0o700);
    } catch (error) {
      throw store.unusable(error);
    }
    return store;
  }

  private readonly exclusive = new Exclusive();
  /** Blobs whose bytes were seen to be right by this process. */
  private readonly verified = new Set<string>();
  private readonly waitedFor = new Set<string>();
  /** Unpacked trees that were seen to be whole by this process. */
  private readonly wholeTrees = new Set<string>();

  private constructor(
    /** Holds everything of the store. */
    public readonly directory: string,
    private readonly options: StoreOptions,
  ) {}

  /** The directory that STACK_HOME names. */
  public get home(): string {
    return path.dirname(this.directory);
  }

  /** The error for something that cannot be written to this store; a full disk is told from everything else. */
  public writeFailure(what: string, error: unknown): StackError {
    return writeFailure('STACK7001', `${what} to the store '${this.home}'`, error);
  }

  /**
   * Runs work that relies on what it finds in the store: nothing is collected meanwhile. What killed processes left is removed.
   * @throws what the work throws; StackError STACK7001, STACK7002 when the store cannot be written, STACK7003 when it stays locked
   */
  public async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let presence: string;
    try {
      presence = await this.whileLocked(() => newTemporaryDirectory(path.join(this.directory, 'tmp')), signal);
      await removeDeadLocks(path.join(this.directory, 'locks'));
      for (const leftover of await leftoversIn(path.join(this.directory, 'tmp'))) {
        await fs.rm(leftover, { recursive: true, force: true, maxRetries: 3 }); // somebody else may be at it, too
      }
    } catch (error) {
      throw this.unusable(error);
    }
    try {
      return await work();
    } finally {
      await fs.rm(presence, { recursive: true, force: true });
    }
  }

  /** What {@link collect} would take out, at this moment. */
  public async planCollection(policy: CollectPolicy): Promise<CollectPlan> {
    return planCollection(this.directory, policy);
  }

  /**
   * Takes what a policy does not keep out of the store, when nobody is at work in it.
   * @param options.patience milliseconds to wait for others
   * @returns also the directories that hold it now, for whoever can remove them, as {@link leftoverRuns}
   * @throws StackError STACK7001, STACK7002, STACK7003
   */
  public async collect(
    policy: CollectPolicy,
    options: { readonly patience: number; readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly plan: CollectPlan; readonly directories: readonly string[] }> {
    const { patience, signal } = options;
    try {
      await removeDeadLocks(path.join(this.directory, 'locks'));
      const onWait = this.waiting(STORE_LOCK);
      return await takeOut(this.directory, policy, (work) => this.whileLocked(work, signal), {
        patience,
        signal,
        onWait,
      });
    } catch (error) {
      throw this.unusable(error);
    }
  }

  /** Where a blob is, or would be. */
  public blobPath(digest: string): string {
    return path.join(this.directory, 'blobs', 'sha256', safeHex(digest));
  }

  /**
   * Whether a blob is here, with this size if one is given.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async hasBlob(digest: string, size?: number): Promise<boolean> {
    const actual = await this.blobSize(digest);
    return actual !== undefined && (size === undefined || actual === size);
  }

  /**
   * Bytes of a blob; undefined when it is not here.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async blobSize(digest: string): Promise<number | undefined> {
    const file = this.blobPath(digest);
    try {
      const { size } = await fs.stat(file);
      noteUse(file);
      return size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw readFailure(`blob ${digest}`, error);
    }
  }

  /**
   * Takes a finished file in as a blob by renaming it. The caller vouches for digest and size.
   * @throws StackError STACK7001, STACK7002
   */
  public async adopt(temporaryFile: string, digest: string, size: number): Promise<void> {
    try {
      const handle = await fs.open(temporaryFile, 'r');
      try {
        const stat = await handle.stat();
        if (stat.size !== size) {
          throw new StackError(
            'STACK9001',
            `a blob of ${String(size)} bytes was announced, ${String(stat.size)} were written`,
          );
        }
        await handle.chmod(0o444);
        await syncFile(handle);
      } finally {
        await handle.close();
      }
      await fs.rename(temporaryFile, this.blobPath(digest));
      this.verified.add(digest);
    } catch (error) {
      throw this.writeFailure(`blob ${digest}`, error);
    }
  }

  /**
   * Sees that a blob has the bytes that it had when it was added; what this process added is known to.
   * @throws StackError STACK7004 when it has not
   */
  public async verifyBlob(digest: string): Promise<void> {
    if (this.verified.has(digest)) return;
    const file = this.blobPath(digest);
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
    } catch (error) {
      throw damagedFile(file, error);
    }
    if (hash.digest('hex') !== hexOf(digest)) throw damagedFile(file);
    this.verified.add(digest);
  }

  /**
   * Adds a small blob.
   * @returns its digest
   * @throws StackError STACK7001, STACK7002
   */
  public async addBlob(content: string | Buffer): Promise<string> {
    const digest = digestOf(content);
    if (await this.hasBlob(digest, Buffer.byteLength(content))) return digest;
    try {
      await this.place(this.blobPath(digest), content, { mode: 0o444, flush: true });
    } catch (error) {
      throw this.writeFailure('a blob', error);
    }
    return digest;
  }

  /**
   * A blob, whole: a document, or a path index.
   * @throws StackError STACK7004 when it is not what it was
   */
  public async readBlob(digest: string): Promise<Buffer> {
    const file = this.blobPath(digest);
    let content: Buffer;
    try {
      content = await fs.readFile(file);
    } catch (error) {
      throw damagedFile(file, error);
    }
    if (digestOf(content) !== digest) throw damagedFile(file);
    return content;
  }

  /**
   * Removes a blob that turned out to be damaged: its content is made again when it is needed.
   * @param file its place
   * @throws StackError STACK7001
   */
  public async removeDamaged(file: string): Promise<void> {
    try {
      await fs.rm(file, { force: true });
    } catch (error) {
      throw writeFailure('STACK7001', `to the store, which has the damaged file '${file}'`, error);
    }
  }

  /**
   * A new private directory inside the store, for its caller to remove; after a crash a later process does.
   * @throws StackError STACK7001, STACK7002
   */
  public async temporaryDirectory(): Promise<string> {
    try {
      return await newTemporaryDirectory(path.join(this.directory, 'tmp'));
    } catch (error) {
      throw this.writeFailure('a temporary directory', error);
    }
  }

  /**
   * Runs work with a temporary directory and removes it afterwards, whatever happens.
   * @throws what the work throws; StackError STACK7002 when that is a full disk
   */
  public async withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.temporaryDirectory();
    try {
      return await work(directory);
    } catch (error) {
      throw isFullDisk(error) ? this.writeFailure('temporary files', error) : error;
    } finally {
      await fs.rm(directory, { recursive: true, force: true });
    }
  }

  /**
   * A new private directory for what a script changes, for its caller to remove. Its files may have owners that are not
   * ours, so that {@link leftoverRuns} are for whoever can remove them.
   * @throws StackError STACK7001, STACK7002
   */
  public async runDirectory(): Promise<string> {
    try {
      return await newTemporaryDirectory(path.join(this.directory, 'runs'));
    } catch (error) {
      throw this.writeFailure('a directory for a script', error);
    }
  }

  /** Run directories whose processes are no more. */
  public leftoverRuns(): Promise<readonly string[]> {
    return leftoversIn(path.join(this.directory, 'runs'));
  }

  /**
   * What is found under a key, else made: by one process, while the others that need it wait. What waits for a key must not
   * keep others from making it.
   * @param steps.find gives undefined when it is not there; is asked again when there was somebody to wait for
   * @throws what the steps throw; StackError STACK7001, STACK7002
   */
  public async findOrMake<T>(
    key: string,
    steps: { readonly find: () => Promise<T | undefined>; readonly make: () => Promise<T> },
    signal?: AbortSignal,
  ): Promise<T> {
    const name = hexOf(digestOf(key));
    return this.exclusive.run(
      key,
      async () =>
        (await steps.find()) ??
        (await this.withLockFile(name, Infinity, signal, async () => (await steps.find()) ?? (await steps.make()))),
    );
  }

  /**
   * Runs work that only one at a time may do, in this process and in others, waiting for as long as it takes.
   * @throws what the work throws; StackError STACK7001, STACK7002
   */
  public async exclusively<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const name = hexOf(digestOf(key));
    return this.exclusive.run(key, () => this.withLockFile(name, Infinity, signal, work));
  }

  /**
   * Runs work that only one at a time may do, unless it is being done; gives undefined then.
   * @throws what the work throws; StackError STACK7001, STACK7002
   */
  public async tryExclusively<T>(
    key: string,
    work: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    if (this.exclusive.isBusy(key)) return undefined;
    const name = hexOf(digestOf(key));
    let isBegun = false;
    const begin = (): Promise<T> => {
      isBegun = true;
      return work();
    };
    try {
      return { value: await this.exclusive.run(key, () => this.withLockFile(name, NO_PATIENCE, signal, begin)) };
    } catch (error) {
      if (!isBegun && StackError.is(error) && error.code === 'STACK7003') return undefined;
      throw error;
    }
  }

  /** Where an unpacked tree is; undefined when it is not there, or not as it was when it was unpacked. */
  public async findTree(key: string): Promise<string | undefined> {
    const directory = this.treePath(key);
    const isKnown = this.wholeTrees.has(key) && existsSync(directory);
    if (!isKnown && !(await isWhole(directory, TREE))) return undefined;
    this.wholeTrees.add(key);
    noteUse(directory);
    return path.join(directory, TREE);
  }

  /**
   * Takes in an unpacked tree. Its files may have owners that are not ours, hence the directory around it, which is.
   * @param directory inside a {@link runDirectory}, where one that is not whole is moved to; has the tree under the name {@link TREE}
   * @param bytes that the tree takes
   * @returns where the tree is now
   * @throws StackError STACK7001, STACK7002
   */
  public async adoptTree(key: string, directory: string, bytes: number): Promise<string> {
    const place = this.treePath(key);
    try {
      await markTree(directory, TREE, bytes);
      const isBroken = await moved(place, `${directory}.broken`);
      if (isBroken) this.options.onDamage?.(place);
      await fs.rename(directory, place);
      this.wholeTrees.add(key);
    } catch (error) {
      throw this.writeFailure('an unpacked layer', error);
    }
    return path.join(place, TREE);
  }

  /**
   * A directory that stays, for state that is neither blob nor record, such as package lists.
   * @throws StackError STACK7001, STACK7002
   */
  public async stateDirectory(name: string): Promise<string> {
    const directory = path.join(this.directory, 'state', name);
    try {
      await makeDirectories(directory, 0o700);
    } catch (error) {
      throw writeFailure('STACK7001', `the directory '${directory}'`, error);
    }
    return directory;
  }

  /**
   * The record a key stands for, as it was written: for the caller to check. Undefined when there is none; one that is damaged, or
   * that is the record of another key, is removed.
   * @throws StackError STACK7001 when the store cannot be read
   */
  public async readRecord(kind: string, key: string): Promise<unknown> {
    const file = this.recordPath(kind, key);
    let text: string;
    try {
      text = await fs.readFile(file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw readFailure(`a record of ${kind}`, error);
    }
    noteUse(file);
    const found = parseRecord(kind, key, text);
    if (found !== undefined) return found.record;
    await this.removeDamaged(file); // a damaged record is a lost one: the work is done again
    this.options.onDamage?.(file);
    return undefined;
  }

  /**
   * Writes a record. Equal keys mean equal work, so the last writer wins.
   * @throws StackError STACK7001, STACK7002
   */
  public async writeRecord(kind: string, key: string, record: unknown): Promise<void> {
    const file = this.recordPath(kind, key);
    try {
      await makeDirectories(path.dirname(file), 0o700);
      await this.place(file, recordText(kind, key, record), { mode: 0o600 });
    } catch (error) {
      throw this.writeFailure('a record', error);
    }
  }

  /** Writes a file aside, where it is found if we are killed, and gives it its name when it is complete. */
  private async place(
    file: string,
    content: string | Buffer,
    options: { mode: number; flush?: boolean },
  ): Promise<void> {
    await this.withTemporaryDirectory(async (directory) => {
      const temporary = path.join(directory, 'new');
      await fs.writeFile(temporary, content, options);
      await fs.rename(temporary, file);
    });
  }

  private whileLocked<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.withLockFile(STORE_LOCK, PATIENCE, signal, work);
  }

  private async withLockFile<T>(
    name: string,
    patience: number,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    let isLocked = false;
    const file = path.join(this.directory, 'locks', name);
    try {
      const options = {
        what: 'the local store',
        code: 'STACK7003',
        patience,
        signal,
        onWait: this.waiting(name),
      } as const;
      return await withLock(file, options, () => {
        isLocked = true;
        return work();
      });
    } catch (error) {
      throw isLocked ? error : this.unusable(error);
    }
  }

  /** Tells once of each process that there is to wait for. */
  private waiting(lock: string): (owner: string) => void {
    return (owner) => {
      if (this.waitedFor.has(owner)) return;
      this.waitedFor.add(owner);
      this.options.onWait?.(owner, lock === STORE_LOCK ? 'the local store' : 'what is needed here, too');
    };
  }

  /** Says what to do about a failed system call; other errors come back as they are. */
  private unusable(error: unknown): unknown {
    if (errnoOf(error) === undefined) return error;
    const directory = this.home;
    if (isFullDisk(error)) return writeFailure('STACK7001', `the store '${directory}'`, error);
    return new StackError('STACK7001', `cannot use the store '${directory}': ${messageOf(error)}`, {
      hint: 'set STACK_HOME to a directory you can write to',
      cause: error,
    });
  }

  private treePath(key: string): string {
    return path.join(this.directory, 'trees', safeHex(key));
  }

  private recordPath(kind: string, key: string): string {
    return path.join(this.directory, 'records', kind, `${safeHex(key)}.record`);
  }
}

/** No digest from outside gets into a path unchecked, whoever forgot to check it. */
function safeHex(digest: unknown): string {
  if (!isDigest(digest)) throw new StackError('STACK9001', `${JSON.stringify(digest)} is not a sha256 digest`);
  return hexOf(digest);
}

/** Renames; false when there is nothing. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await fs.rename(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function readFailure(what: string, error: unknown): StackError {
  return new StackError('STACK7001', `cannot read ${what} in the store: ${messageOf(error)}`, { cause: error });
}
