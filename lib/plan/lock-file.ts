import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import {
  canonicalJson,
  errnoOf,
  messageOf,
  StackError,
  TEMPORARY_FILE,
  withLock,
  writeFailure,
  writeFileAtomic,
} from '../core';
import type * as lockSchema from './lock-schema';
import type { LockedImage, LockedPackage, LockedUrl, LockFileContent } from './lock-schema';
import { LOCK_FILE_VERSION } from './version';

/** Name of the lock file, beside cdk-stack.json. */
export const LOCK_FILE_NAME = 'cdk-stack.lock.json';

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * `cdk-stack.lock.json`: what every mutable reference of the app stood for when it was first used.
 *
 * One instance serves all work of a process. Entries are set in memory; {@link save} writes the file at once, sorted and
 * only if something changed. What other processes have locked meanwhile stays: only entries that were set here are replaced.
 * An entry is reused until it is looked up again or someone deletes it from the file.
 */
export class LockFile {
  /**
   * Reads the lock file of an app; a missing one is an empty one.
   * @param directory the app's directory
   * @throws StackError STACK3020 when the file cannot be read, is not valid or was written by a newer version
   */
  public static async load(directory: string): Promise<LockFile> {
    const file = path.join(directory, LOCK_FILE_NAME);
    if (await isInterrupted(file))
      await withLock(lockOf(file), { ...LOCK, patience: TIDYING }, () => removeTemporaries(file)).catch(
        () => undefined,
      );
    return new LockFile(file, await readContent(file));
  }

  private content: LockFileContent;
  /** What was set here and is not written yet. */
  private readonly changed = { debian: new Set<string>(), urls: new Set<string>(), images: new Set<string>() };
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    content: LockFileContent,
  ) {
    this.content = content;
  }

  /** The packages locked under a key; undefined when there is no such entry. */
  public debian(key: string): readonly LockedPackage[] | undefined {
    return entryIn(this.content.debian, key)?.packages;
  }

  /** Locks packages under a key, in memory. */
  public setDebian(key: string, packages: readonly LockedPackage[]): void {
    this.content = { ...this.content, debian: { ...this.content.debian, [key]: { packages: [...packages] } } };
    this.changed.debian.add(key);
  }

  /** The content locked for a URL; undefined when there is no such entry. */
  public url(url: string): LockedUrl | undefined {
    return entryIn(this.content.urls, url);
  }

  /** Locks the content of a URL, in memory. */
  public setUrl(url: string, content: LockedUrl): void {
    this.content = { ...this.content, urls: { ...this.content.urls, [url]: content } };
    this.changed.urls.add(url);
  }

  /** What is locked for a complete reference to an image in a registry; undefined when there is no such entry. */
  public image(reference: string): LockedImage | undefined {
    return entryIn(this.content.images, reference);
  }

  /** Locks what a reference stands for, in memory. */
  public setImage(reference: string, image: LockedImage): void {
    this.content = { ...this.content, images: { ...this.content.images, [reference]: image } };
    this.changed.images.add(reference);
  }

  /**
   * Takes in what other processes have locked since the file was read: to be called before something is looked up anew.
   * @throws StackError STACK3020
   */
  public async reload(): Promise<void> {
    this.content = this.mergedWith(await readContent(this.file));
  }

  /**
   * Writes the file if an entry was set since it was last read or written. Calls may overlap.
   * @throws StackError STACK3020 when the file cannot be written, STACK7002 when the disk is full; the old file stays
   */
  public async save(): Promise<void> {
    const turn = this.saving.then(() => this.write());
    // The next call waits for this one, but does not inherit its failure.
    this.saving = turn.catch(() => undefined);
    await turn;
  }

  private async write(): Promise<void> {
    if (Object.values(this.changed).every(({ size }) => size === 0)) return;
    try {
      await withLock(lockOf(this.file), LOCK, () => this.writeLocked());
    } catch (error) {
      throw writeFailure('STACK3020', LOCK_FILE_NAME, error);
    }
  }

  private async writeLocked(): Promise<void> {
    await removeTemporaries(this.file);
    const there = await readContent(this.file);
    const merged = this.mergedWith(there);
    const written = Object.values(this.changed).map((keys) => [keys, [...keys]] as const);
    const text = textOf(merged);
    if (text !== textOf(there)) await writeFileAtomic(this.file, text);
    for (const [keys, done] of written) for (const key of done) keys.delete(key);
  }

  /** What is in the file, with the entries that were set here. */
  private mergedWith(there: LockFileContent): LockFileContent {
    const { debian, urls, images } = this.content;
    return {
      ...there,
      debian: withEntries(there.debian, debian, this.changed.debian),
      urls: withEntries(there.urls, urls, this.changed.urls),
      images: withEntries(there.images, images, this.changed.images),
    };
  }
}

/** Milliseconds to wait for others where only leftovers are to be removed. */
const TIDYING = 1000;

const LOCK = { what: LOCK_FILE_NAME, code: 'STACK3020' } as const;

function lockOf(file: string): string {
  return `${file}.lock`;
}

type Entries<T> = Readonly<Record<string, T>> | undefined;

/** An entry of its own, whatever the key is called. */
function entryIn<T>(entries: Entries<T>, key: string): T | undefined {
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** The entries there are, with some of ours. */
function withEntries<T>(there: Entries<T>, ours: Entries<T>, keys: ReadonlySet<string>): Record<string, T> {
  const set = [...keys].flatMap((key) => {
    const entry = entryIn(ours, key);
    return entry === undefined ? [] : [[key, entry] as const];
  });
  return Object.fromEntries([...Object.entries(there ?? {}), ...set]);
}

function textOf({ debian, urls, images, ...rest }: LockFileContent): string {
  const used = <T>(entries: Entries<T>): Entries<T> => {
    return entries === undefined || Object.keys(entries).length === 0 ? undefined : entries;
  };
  return `${canonicalJson({ ...rest, debian: used(debian), urls: used(urls), images: used(images) }, 2)}\n`;
}

/** Whether a process was killed while it wrote the file, or is writing it. */
async function isInterrupted(file: string): Promise<boolean> {
  const names = await namesBeside(file);
  return names.some((name) => name === path.basename(lockOf(file)) || isTemporary(file, name));
}

/** Removes what killed writes left; holding the lock means that no other is under way. */
async function removeTemporaries(file: string): Promise<void> {
  for (const name of await namesBeside(file)) {
    if (isTemporary(file, name)) await fs.rm(path.join(path.dirname(file), name), { force: true });
  }
}

async function namesBeside(file: string): Promise<readonly string[]> {
  try {
    return await fs.readdir(path.dirname(file));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return []; // why not is told when the file is read
  }
}

function isTemporary(file: string, name: string): boolean {
  return name.startsWith(`${path.basename(file)}.`) && TEMPORARY_FILE.test(name);
}

async function readContent(file: string): Promise<LockFileContent> {
  const text = await readText(file);
  if (text === undefined) return { lockfileVersion: LOCK_FILE_VERSION };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const hint = /^<{7} /m.test(text) ? 'it has merge conflict markers: resolve the conflict' : undefined;
    throw unusable(`is not JSON: ${messageOf(error)}`, hint, error);
  }
  const version =
    typeof json === 'object' && json !== null && 'lockfileVersion' in json ? json.lockfileVersion : undefined;
  if (typeof version === 'number' && version > LOCK_FILE_VERSION) {
    throw unusable(
      `has lockfileVersion ${String(version)}, this version of cdk-stack knows ${String(LOCK_FILE_VERSION)}`,
      'update cdk-stack',
    );
  }
  const parsed = schema().parseLockFile(json);
  if ('content' in parsed) return parsed.content;
  throw unusable(`is not valid at ${parsed.fault}`);
}

/** Loaded when a lock file is read: apps import this folder too, and read none. */
function schema(): typeof lockSchema {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid by every app
  return require('./lock-schema') as typeof lockSchema;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    const { size } = await fs.stat(file);
    if (size > MAX_BYTES) throw unusable(`has ${String(size)} bytes, more than ${String(MAX_BYTES)}`);
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (StackError.is(error)) throw error;
    throw unusable(`cannot be read: ${messageOf(error)}`, 'make it readable', error);
  }
}

function unusable(
  reason: string,
  hint = 'restore it from version control, or delete it to lock everything anew',
  cause?: unknown,
): StackError {
  return new StackError('STACK3020', `${LOCK_FILE_NAME} ${reason}`, { hint, cause });
}
