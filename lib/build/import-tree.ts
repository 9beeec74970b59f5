import { StackError } from '../core';
import {
  ancestorsOf,
  hardlinkTo,
  plainDirectory,
  resolveInView,
  sortTree,
  withoutAccessAcl,
  type Content,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type Metadata,
  type Tree,
  type View,
} from '../pack';
import { shownSource, type ImportPlan } from '../plan';
import type { ImportContent } from './import-content';

/** A path that two imports have, neither time with a directory. */
export interface Replaced {
  readonly earlier: Entry;
  readonly later: Entry;
  /** Both sources as messages name them. */
  readonly sources: readonly [earlier: string, later: string];
}

/**
 * The tree that imports make on top of a base.
 *
 * Directories that the base has keep the metadata they have there, so that a layer does not change what it only goes
 * through (archives.md, rule 10). A later import replaces what an earlier one put at the same path.
 */
export class ImportTree {
  /** What a later import put in the place of what an earlier one had put there. */
  public readonly replaced: Replaced[] = [];
  private readonly entries = new Map<string, Entry>();
  /** Sources of what is no directory, by path. */
  private readonly origins = new Map<string, string>();
  private readonly view: View = { get: (path) => this.entries.get(path) ?? this.base.get(path) };

  /**
   * @param base what the layers below show
   * @param epoch time of directories that nobody describes, seconds since 1970
   */
  public constructor(
    private readonly base: View,
    private readonly epoch: number,
  ) {}

  /**
   * Adds one import. Where it goes follows rsync's reading of trailing slashes, in full: a directory's content goes to
   * `dest`; with `dest/` and a source without slash, the directory itself goes into it; a file goes to `dest`, or into `dest/`.
   * @throws StackError STACK3005 when a directory and something else meet
   */
  public place(plan: ImportPlan, content: ImportContent): void {
    const isDirectory = content.entries[0]?.type === 'directory';
    const dest = isDirectory ? this.directoryDest(plan, content) : this.fileDest(plan, content);
    for (const parent of ancestorsOf(dest)) this.placeParent(parent, plan);
    for (const entry of content.entries) {
      const path = [dest, entry.path].filter((part) => part !== '').join('/');
      if (path !== '') this.placeEntry({ ...entry, ...ownership(plan, entry), path }, plan); // the root is the base's
    }
  }

  /** Everything placed, names of one file as hard links. */
  public tree(): Tree {
    const holders = new Map<Content, FileEntry>();
    return sortTree(this.entries.values()).map((entry) => {
      if (entry.type !== 'file') return entry;
      const holder = holders.get(entry.content);
      if (holder !== undefined) return hardlinkTo(entry, entry.path, holder.path);
      holders.set(entry.content, entry);
      return entry;
    });
  }

  private directoryDest({ source, dest }: ImportPlan, { name }: ImportContent): string {
    const into = dest.endsWith('/') && !meansContents(shownSource(source));
    const path = resolveInView(this.view, into ? `${dest}${name}` : dest);
    const there = this.view.get(path);
    if (path === '' || there === undefined || there.type === 'directory') return path;
    throw clash(`'${shownSource(source)}' is a directory, but '/${path}' is a ${there.type} in the image`);
  }

  /** A link at the destination is replaced, as a file would be; unless it leads to a directory, where nobody means that. */
  private fileDest({ source, dest }: ImportPlan, { name }: ImportContent): string {
    const wanted = dest.endsWith('/') ? `${dest}${name}` : dest;
    const followed = resolveInView(this.view, wanted);
    if (followed !== '' && this.view.get(followed)?.type !== 'directory')
      return resolveInView(this.view, wanted, false);
    const hint = wanted === dest ? `write dest: '${dest}/' to put it into that directory` : 'name another destination';
    throw clash(`'${shownSource(source)}' is a file, but '${wanted}' is a directory in the image`, hint);
  }

  private placeParent(path: string, plan: ImportPlan): void {
    const known = this.view.get(path);
    if (known !== undefined && known.type !== 'directory') {
      throw clash(`'${plan.dest}' lies below '/${path}', which is a ${known.type} ${originOf(this.origins.get(path))}`);
    }
    if (!this.entries.has(path)) this.entries.set(path, known ?? plainDirectory(path, this.epoch));
  }

  private placeEntry(entry: Entry, { source }: ImportPlan): void {
    const { path } = entry;
    const known = this.view.get(path);
    const [name, origin] = [shownSource(source), this.origins.get(path)];
    if (known !== undefined && (known.type === 'directory') !== (entry.type === 'directory')) {
      const leads = known.type === 'symlink' ? resolveInView(this.view, path) : undefined;
      throw clash(
        `'/${path}' is a ${known.type} ${originOf(origin)} and a ${entry.type} in '${name}'`,
        leads === undefined ? 'exclude it from the import' : `exclude it, and import it to '/${leads}' by itself`,
      );
    }
    if (known !== undefined && origin !== undefined) {
      this.replaced.push({ earlier: known, later: entry, sources: [origin, name] });
    }
    if (entry.type !== 'directory') this.origins.set(path, name);
    this.entries.set(path, this.directoryOfBase(path) ?? entry);
  }

  private directoryOfBase(path: string): DirectoryEntry | undefined {
    const known = this.base.get(path);
    return known?.type === 'directory' ? known : undefined;
  }
}

/** `dir/`, and `.` and `..`, whose names say nothing. */
function meansContents(source: string): boolean {
  return /(^|\/)\.{0,2}$/.test(source);
}

/** `mode` is meant for files: directories and links keep theirs. */
function ownership(plan: ImportPlan, entry: Entry): Partial<Metadata> {
  const keepsMode = entry.type === 'directory' || entry.type === 'symlink';
  return {
    ...(plan.mode === undefined || keepsMode ? {} : { mode: plan.mode, xattrs: attributesWithMode(entry) }),
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
    ...(plan.gid === undefined ? {} : { gid: plan.gid }),
  };
}

/** A mode that is given says all of who may do what, so that an ACL must not say more. */
function attributesWithMode(entry: Entry): Metadata['xattrs'] {
  return entry.type === 'whiteout' ? undefined : withoutAccessAcl(entry.xattrs);
}

function originOf(source: string | undefined): string {
  return source === undefined ? 'in the image' : `in '${source}'`;
}

function clash(message: string, hint?: string): StackError {
  return new StackError('STACK3005', message, { hint });
}
