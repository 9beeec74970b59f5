import { digestOf, hexOf } from '../oci';
import { ancestorsOf, readContent, sortTree, type Entry, type FileEntry, type Tree } from '../pack';
import { idRange, type IdRange } from '../plan';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { viewOf, type FileView } from './file-view';
import { baseInput, keyOf, type Input } from './inputs';

/** Which files of a base say where system ids are looked for. */
const RECORD = 'id-settings';
/** A larger one is none that a person or a package wrote. */
const MAX_SIZE = 1024 * 1024;

/** The files, and their settings; the last line that sets one counts, in all of them. */
const SETTINGS: Readonly<Record<string, (range: IdRange) => readonly string[]>> = {
  // adduser.conf(5)
  'etc/adduser.conf': ({ first, last }) =>
    ['UID', 'GID'].flatMap((id) => [`FIRST_SYSTEM_${id}=${String(first)}`, `LAST_SYSTEM_${id}=${String(last)}`]),
  // login.defs(5), for useradd, groupadd and newusers
  'etc/login.defs': ({ first, last }) =>
    ['UID', 'GID'].flatMap((id) => [`SYS_${id}_MIN ${String(first)}`, `SYS_${id}_MAX ${String(last)}`]),
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
 * Lets new system users and groups of a script have ids of one lane: the script sees the files that say where ids are looked for
 * with lines at their ends that say otherwise. They are on top of the base and below what the script changes, so package managers
 * can replace and remove them as they do without a lane, and nothing has to be put back. What the script itself makes of them
 * loses the lines again.
 */
export class IdLane {
  /**
   * The lane of a script on a base; undefined where it would be without any effect, which is not read from the base a second time.
   * @param lane undefined for none
   */
  public static async of(
    context: BuildContext,
    lane: number | undefined,
    base: readonly KnownDelta[],
  ): Promise<IdLane | undefined> {
    if (lane === undefined) return undefined;
    const key = keyOf([baseInput(base)]);
    const known = await context.store.readRecord(RECORD, key);
    const paths = isPaths(known) ? known : settingsIn(await viewOf(base, context.epoch));
    if (!isPaths(known)) await context.store.writeRecord(RECORD, key, paths);
    return paths.length === 0 ? undefined : new IdLane(idRange(lane), paths);
  }

  private readonly steered = new Map<string, Steered>();

  private constructor(
    private readonly range: IdRange,
    private readonly paths: readonly string[],
  ) {}

  public get input(): Input {
    return { name: 'the id lane', value: this.range };
  }

  /**
   * What lies between the base and the script's changes.
   * @throws StackError STACK7004 when the store is damaged
   */
  public tree(base: FileView): Tree {
    const entries = new Map<string, Entry>();
    for (const path of this.paths) {
      const original = settingsFile(base, path);
      if (original === undefined) continue;
      const steered = steer(original, SETTINGS[path]?.(this.range) ?? []);
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

function isPaths(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function settingsIn(base: FileView): readonly string[] {
  return Object.keys(SETTINGS).filter((path) => settingsFile(base, path) !== undefined);
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
