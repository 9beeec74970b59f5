import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, errnoOf, messageOf, StackError, writeFailure, writeFileAtomic } from '../core';
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
 * only if something changed. An entry is reused until it is looked up again or
 * someone deletes it from the file.
 */
export class LockFile {
  /**
   * Reads the lock file of an app; a missing one is an empty one.
   * @param directory the app's directory
   * @throws StackError STACK3020 when the file cannot be read, is not valid or was written by a newer version
   */
  public static async load(directory: string): Promise<LockFile> {
    const file = path.join(directory, LOCK_FILE_NAME);
    return new LockFile(file, await readContent(file));
  }

  private readonly rest: Omit<LockFileContent, 'debian' | 'urls' | 'images'>;
  private readonly debianEntries: Map<string, { readonly packages: readonly LockedPackage[] }>;
  private readonly urlEntries: Map<string, LockedUrl>;
  private readonly imageEntries: Map<string, LockedImage>;
  private written: string;
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    content: LockFileContent,
  ) {
    const { debian, urls, images, ...rest } = content;
    this.rest = rest;
    this.debianEntries = new Map(Object.entries(debian ?? {}));
    this.urlEntries = new Map(Object.entries(urls ?? {}));
    this.imageEntries = new Map(Object.entries(images ?? {}));
    this.written = this.text();
  }

  /** The packages locked under a key; undefined when there is no such entry. */
  public debian(key: string): readonly LockedPackage[] | undefined {
    return this.debianEntries.get(key)?.packages;
  }

  /** Locks packages under a key, in memory. */
  public setDebian(key: string, packages: readonly LockedPackage[]): void {
    this.debianEntries.set(key, { packages });
  }

  /** The content locked for a URL; undefined when there is no such entry. */
  public url(url: string): LockedUrl | undefined {
    return this.urlEntries.get(url);
  }

  /** Locks the content of a URL, in memory. */
  public setUrl(url: string, content: LockedUrl): void {
    this.urlEntries.set(url, content);
  }

  /** What is locked for a complete reference to an image in a registry; undefined when there is no such entry. */
  public image(reference: string): LockedImage | undefined {
    return this.imageEntries.get(reference);
  }

  /** Locks what a reference stands for, in memory. */
  public setImage(reference: string, image: LockedImage): void {
    this.imageEntries.set(reference, image);
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
    const text = this.text();
    if (text === this.written) return;
    try {
      await writeFileAtomic(this.file, text);
    } catch (error) {
      throw writeFailure('STACK3020', LOCK_FILE_NAME, error);
    }
    this.written = text;
  }

  private text(): string {
    const [debian, urls, images] = [this.debianEntries, this.urlEntries, this.imageEntries].map((entries) =>
      entries.size === 0 ? undefined : Object.fromEntries<unknown>(entries),
    );
    return `${canonicalJson({ ...this.rest, debian, urls, images }, 2)}\n`;
  }
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
