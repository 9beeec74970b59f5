import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { writeFailure } from '../core';
import { digestOf, hexOf } from '../oci';
import { ancestorsOf, readContent, sortTree, type Entry, type FileEntry, type Tree } from '../pack';
import { idRange, type IdRange } from '../plan';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { viewOf, type FileView } from './file-view';
import { FIRST_NAMED_ID, ID_NAMES } from './id-names';
import { baseInput, keyOf, type Input } from './inputs';
import { namedIdPool } from './named-ids';
import type { SandboxMount } from './sandbox';

/** Which ways a base has of saying where system ids are looked for. */
const RECORD = 'id-ways';
/** A larger file is none that a person or a package wrote. */
const MAX_SIZE = 1024 * 1024;
/** Where the script sees the pool of ids by name. */
const POOL = '/run/cdk-stack/system-ids';
/** The last id of Debian's system users. */
const LAST_SYSTEM_ID = 999;

/** A way of saying where ids are looked for: lines at the end of a file, where the last one that sets a variable counts. */
interface Way {
  readonly path: string;
  /** Whether programs of a base with this content of the file understand the lines; absent: always. */
  readonly suits?: (content: string) => boolean;
  /** @param lane undefined for none */
  lines(lane: IdRange | undefined): readonly string[];
}

const BOTH = ['UID', 'GID'];

const WAYS: Readonly<Record<string, Way>> = {
  // adduser.conf(5). A user that exists is a system user to adduser only between the two, so named ids must lie there, too.
  adduser: {
    path: 'etc/adduser.conf',
    lines: (lane) =>
      lane === undefined
        ? []
        : BOTH.flatMap((id) => [
            `FIRST_SYSTEM_${id}=${String(lane.first)}`,
            `LAST_SYSTEM_${id}=${String(LAST_SYSTEM_ID)}`,
          ]),
  },
  // From version 3.132 on, whose settings tell of it; a pool of the base's own is left alone.
  'adduser-pool': {
    path: 'etc/adduser.conf',
    suits: (content) => /^#\s*UID_POOL\b/m.test(content) && !/^\s*[UG]ID_POOL\b/m.test(content),
    lines: () => BOTH.map((id) => `${id}_POOL=${POOL}`),
  },
  // login.defs(5), for useradd, groupadd and newusers
  login: {
    path: 'etc/login.defs',
    lines: (lane) =>
      lane === undefined
        ? []
        : BOTH.flatMap((id) => [`SYS_${id}_MIN ${String(lane.first)}`, `SYS_${id}_MAX ${String(lane.last)}`]),
  },
};

/** A file of the base, and what the script sees in its place. */
interface Steered {
  /** Its bytes in the base. */
  readonly bytes: Buffer;
  /** What was added. */
  readonly lines: readonly string[];
  /** Content and sha256 of what the script sees. */
  readonly altered: Pick<FileEntry, 'content' | 'size' | 'sha256'>;
}

/**
 * Says which ids the new system users and groups of a script get: names that are known have ids of their own, so that one package
 * has the same in all layers; all others get ids of the layer's lane. The script sees the files that say where ids are looked for
 * with lines at their ends that say otherwise. They are on top of the base and below what the script changes, so package managers
 * can replace and remove them as they do without, and nothing has to be put back. What the script itself makes of them loses the
 * lines again.
 */
export class SystemIds {
  /**
   * The ids of a script on a base; undefined where nothing can be said, which is not read from the base a second time.
   * @param lane undefined for none, false for the ids that the base's own settings give
   */
  public static async of(
    context: BuildContext,
    lane: number | false | undefined,
    base: readonly KnownDelta[],
  ): Promise<SystemIds | undefined> {
    if (lane === false) return undefined;
    const key = keyOf([baseInput(base)]);
    const known = await context.store.readRecord(RECORD, key);
    const ways = isNames(known) ? known : waysOf(await viewOf(base, context.epoch));
    if (!isNames(known)) await context.store.writeRecord(RECORD, key, ways);
    const range = lane === undefined ? undefined : idRange(lane);
    return ways.some((way) => (WAYS[way]?.lines(range) ?? []).length > 0) ? new SystemIds(range, ways) : undefined;
  }

  private readonly steered = new Map<string, Steered>();

  private constructor(
    private readonly lane: IdRange | undefined,
    private readonly ways: readonly string[],
  ) {}

  public get input(): Input {
    const names = this.hasPool ? hexOf(digestOf([FIRST_NAMED_ID, ...ID_NAMES].join())) : undefined;
    return { name: 'the ids of system users', value: { lane: this.lane, names } };
  }

  private get hasPool(): boolean {
    return this.ways.includes('adduser-pool');
  }

  /**
   * What lies between the base and the script's changes.
   * @throws StackError STACK7004 when the store is damaged
   */
  public tree(base: FileView): Tree {
    const entries = new Map<string, Entry>();
    for (const path of new Set(this.ways.map((way) => WAYS[way]?.path ?? ''))) {
      const original = settingsFile(base, path);
      const lines = this.ways.flatMap((way) => (WAYS[way]?.path === path ? WAYS[way].lines(this.lane) : []));
      if (original === undefined || lines.length === 0) continue;
      const steered = steer(original, lines);
      this.steered.set(path, steered);
      entries.set(path, { ...original, ...steered.altered });
      for (const parent of ['', ...ancestorsOf(path)]) {
        const entry = base.get(parent);
        if (entry?.type === 'directory') entries.set(parent, { ...entry, opaque: undefined });
      }
    }
    return sortTree([...entries.values()]);
  }

  /**
   * What the script sees besides: the pool, outside of all layers.
   * @param directory of the run
   * @throws StackError STACK7001 when it cannot be written
   */
  public async mounts(base: FileView, directory: string): Promise<readonly SandboxMount[]> {
    if (!this.hasPool) return [];
    const source = path.join(directory, 'system-ids');
    try {
      await fs.writeFile(source, namedIdPool(base));
      await fs.chmod(source, 0o644); // whatever our umask is
    } catch (error) {
      throw writeFailure('STACK7001', `the ids of system users, '${source}'`, error);
    }
    return [{ source, target: POOL, readonly: true }];
  }

  /**
   * The script's changes without the lines of the lane, in the files themselves and in copies of them.
   * @param upper as read from the upper directory
   */
  public remove(upper: Tree): Tree {
    return upper.map((entry) => (entry.type === 'file' ? this.restored(entry) : entry));
  }

  private restored(entry: FileEntry): FileEntry {
    const copied = [...this.steered.values()].find(({ altered }) => altered.sha256 === entry.sha256);
    if (copied !== undefined) return { ...entry, ...contentOf(copied.bytes) };
    const edited = this.steered.get(entry.path);
    if (edited === undefined || entry.size > MAX_SIZE) return entry;
    const before = readContent(entry);
    const after = withoutLines(before, edited.lines);
    return after.equals(before) ? entry : { ...entry, ...contentOf(after) };
  }
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function waysOf(base: FileView): readonly string[] {
  return Object.entries(WAYS).flatMap(([name, way]) => {
    const file = settingsFile(base, way.path);
    return file !== undefined && (way.suits?.(readContent(file).toString('latin1')) ?? true) ? [name] : [];
  });
}

/** Only a file in its usual place: a link leads programs to where no lane is. */
function settingsFile(base: FileView, path: string): FileEntry | undefined {
  const entry = base.get(path);
  return entry?.type === 'file' && entry.size <= MAX_SIZE ? entry : undefined;
}

function steer(original: FileEntry, lines: readonly string[]): Steered {
  const bytes = readContent(original);
  const gap = bytes.length === 0 || bytes.at(-1) === NEWLINE ? '' : '\n';
  const altered = contentOf(Buffer.concat([bytes, Buffer.from(`${gap}${lines.join('\n')}\n`)]));
  return { bytes, lines, altered };
}

const NEWLINE = 0x0a;

/** By bytes: the rest need not be UTF-8. */
function withoutLines(bytes: Buffer, lines: readonly string[]): Buffer {
  const kept = bytes
    .toString('latin1')
    .split('\n')
    .filter((line) => !lines.includes(line));
  return Buffer.from(kept.join('\n'), 'latin1');
}

function contentOf(bytes: Buffer): Pick<FileEntry, 'content' | 'size' | 'sha256'> {
  return { content: { kind: 'bytes', bytes }, size: bytes.length, sha256: hexOf(digestOf(bytes)) };
}
