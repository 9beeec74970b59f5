import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod/mini';
import { canonicalJson, errnoOf, messageOf, StackError, writeFailure, writeFileAtomic } from '../core';

/** Name of the lock file, beside cdk-stack.json. */
export const LOCK_FILE_NAME = 'cdk-stack.lock.json';

/** Moves when older versions of cdk-stack could not make sense of the file. */
const LOCK_FILE_VERSION = 1;

const MAX_BYTES = 16 * 1024 * 1024;

/** What Debian's policy (5.6) allows as name, version and architecture of a package; they end up in paths and command lines. */
export const DEBIAN_SYNTAX = {
  name: /^[a-z0-9][a-z0-9.+-]*$/,
  version: /^[A-Za-z0-9][A-Za-z0-9.+:~-]*$/,
  architecture: /^[a-z0-9][a-z0-9-]*$/,
} as const;

/** A Debian package, pinned. */
const lockedPackageSchema = z.object({
  name: z.string().check(z.regex(DEBIAN_SYNTAX.name)),
  version: z.string().check(z.regex(DEBIAN_SYNTAX.version)),
  architecture: z.string().check(z.regex(DEBIAN_SYNTAX.architecture)),
  /** Of the .deb file, 64 hex characters. */
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** Bytes of the .deb file. */
  size: z.int().check(z.gte(1)),
});
export type LockedPackage = Readonly<z.infer<typeof lockedPackageSchema>>;

const debianEntrySchema = z.looseObject({
  packages: z.array(lockedPackageSchema).check(z.refine(hasNoDuplicates, 'names a package twice')),
});

/** Members that a newer version added are kept as they are. */
const lockFileSchema = z.looseObject({
  lockfileVersion: z.literal(LOCK_FILE_VERSION),
  debian: z.optional(z.record(z.string(), debianEntrySchema)),
});
type LockFileContent = z.infer<typeof lockFileSchema>;

/**
 * `cdk-stack.lock.json`: what every mutable reference of the app stood for when it was first used.
 *
 * One instance serves all work of a process. Entries are set in memory; {@link save} writes the file at once, sorted and
 * only if something changed. An entry is reused until someone deletes it from the file.
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

  private readonly rest: Omit<LockFileContent, 'debian'>;
  private readonly debianEntries: Map<string, { readonly packages: readonly LockedPackage[] }>;
  private written: string;
  private saving: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    content: LockFileContent,
  ) {
    const { debian, ...rest } = content;
    this.rest = rest;
    this.debianEntries = new Map(Object.entries(debian ?? {}));
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
    const debian = this.debianEntries.size === 0 ? undefined : Object.fromEntries(this.debianEntries);
    return `${canonicalJson({ ...this.rest, debian }, 2)}\n`;
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
  const parsed = lockFileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unusable(
    `is not valid at ${(issue?.path ?? []).map(String).join(' / ') || 'the top'}: ${issue?.message ?? 'unknown reason'}`,
  );
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

function hasNoDuplicates(packages: readonly { readonly name: string }[]): boolean {
  return new Set(packages.map(({ name }) => name)).size === packages.length;
}
