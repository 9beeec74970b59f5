import * as path from 'node:path';
import dockerignore from '@balena/dockerignore';
import { StackError } from '../core';
import {
  ancestorsOf,
  parentOf,
  plainDirectory,
  resolveInView,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type Metadata,
  type View,
} from '../pack';
import type { ImportPlan } from '../plan';
import type { BuildContext } from './context';
import { scanHost, type HostEntry } from './host-files';

/** What an import brings, with paths relative to its source; `''` is the source itself. */
export interface ImportContent {
  readonly entries: readonly Entry[];
  /** Last component of the source's path. */
  readonly name: string;
}

/** Tells whether a path, relative to an import's source, is wanted. Patterns are those of a .dockerignore file. */
export function excludeFilter(patterns: readonly string[] | undefined): (relative: string) => boolean {
  if (patterns === undefined || patterns.length === 0) return () => true;
  const ignore = dockerignore().add(patterns.map((pattern) => pattern.replace(/^(!?)\//, '$1')));
  return (relative) => relative === '' || !ignore.ignores(relative);
}

/**
 * The content of an import from the user's files. A symbolic link named as the source is followed unless it dangles;
 * links inside a directory stay links. Owner root, mode 0755 for directories and executables and 0644 for the rest,
 * time the epoch, so that nothing depends on who checked it out where (design.md §6).
 * @throws StackError STACK3003, STACK4004
 */
export function hostContent(context: BuildContext, plan: ImportPlan, source: string): ImportContent {
  const top = path.resolve(context.directory, source);
  const wanted = excludeFilter(plan.exclude);
  const found = scanHost(top, ({ path: relative, file }) => wanted(relative) && !context.outputs.includes(file));
  return { name: path.basename(top), entries: found.map((entry) => hostEntry(context, entry)) };
}

function hostEntry(context: BuildContext, entry: HostEntry): Entry {
  const common = { path: entry.path, uid: 0, gid: 0, mtime: context.epoch };
  switch (entry.type) {
    case 'directory':
      return { ...common, type: 'directory', mode: 0o755 };
    case 'symlink':
      return { ...common, type: 'symlink', mode: 0o777, target: entry.target ?? '' };
    case 'file': {
      const sha256 = context.hostFiles.recall(entry.file, entry.identity);
      return {
        ...common,
        type: 'file',
        mode: entry.executable ? 0o755 : 0o644,
        size: entry.identity.size,
        content: { kind: 'host', file: entry.file, identity: entry.identity },
        ...(sha256 === undefined ? {} : { sha256 }),
      };
    }
  }
}

/**
 * The content of an import from another image, metadata and all; links are treated as in {@link hostContent}.
 * @param view what a container of that image sees
 * @throws StackError STACK3004 when there is nothing at the path
 */
export function imageContent(
  view: ReadonlyMap<string, Entry>,
  image: string,
  source: string,
  exclude: readonly string[] | undefined,
): ImportContent {
  const followed = resolveInView(view, source);
  const at = view.has(followed) || followed === '' ? followed : resolveInView(view, source, false);
  const top = at === '' ? undefined : view.get(at);
  if (at !== '' && top === undefined) throw missing(view, image, source, at);
  const wanted = excludeFilter(exclude);
  const prefix = at === '' ? '' : `${at}/`;
  const entries: Entry[] =
    at === '' ? [{ ...(view.get('') ?? plainDirectory('', 0)), path: '' } as DirectoryEntry] : [];
  const moved = new Map<string, string>(); // a file's path in the view → its path here, for hard links
  const dropped: string[] = [];
  for (const entry of view.values()) {
    if (entry.path !== at && !entry.path.startsWith(prefix)) continue;
    if (entry.path === '' || entry.type === 'whiteout') continue;
    const relative = entry.path === at ? '' : entry.path.slice(prefix.length);
    if (!wanted(relative) || dropped.some((gone) => relative.startsWith(gone))) {
      if (entry.type === 'directory') dropped.push(`${relative}/`);
      continue;
    }
    entries.push(relocate(view, entry, relative, moved));
  }
  return { name: at.slice(at.lastIndexOf('/') + 1), entries };
}

/** An entry under another path; a hard link whose target does not come along becomes the file. */
function relocate(view: ReadonlyMap<string, Entry>, entry: Entry, relative: string, moved: Map<string, string>): Entry {
  if (entry.type === 'file') moved.set(entry.path, moved.get(entry.path) ?? relative);
  if (entry.type !== 'hardlink') return { ...entry, path: relative };
  const target = moved.get(entry.target);
  if (target !== undefined) return { ...entry, path: relative, target };
  moved.set(entry.target, relative);
  return { ...(view.get(entry.target) as FileEntry), path: relative };
}

function missing(view: ReadonlyMap<string, Entry>, image: string, source: string, at: string): StackError {
  const parent = parentOf(at);
  const siblings = [...view.keys()]
    .filter((known) => known !== '' && parentOf(known) === parent)
    .map((known) => `/${known}`);
  const hint =
    siblings.length === 0
      ? `'/${parent}' is empty or missing`
      : `'/${parent}' has ${siblings.slice(0, 10).join(', ')}${siblings.length > 10 ? ', …' : ''}`;
  return new StackError('STACK3004', `'${source}' does not exist in '${image}'`, { hint });
}

/**
 * Puts the content of one import into a delta. Where it goes follows rsync's reading of trailing slashes, in full:
 * a directory's content goes to `dest`; with `dest/` and a source without slash, the directory itself goes into it;
 * a file goes to `dest`, or into `dest/`.
 * @param delta entries so far, by path; added to
 * @param base what the layers below show
 * @throws StackError STACK3005 when a file and a directory meet
 */
export function placeImport(
  context: BuildContext,
  delta: Map<string, Entry>,
  base: View,
  plan: ImportPlan,
  content: ImportContent,
): void {
  const source = plan.source.path;
  const view: View = { get: (at) => delta.get(at) ?? base.get(at) };
  const isDirectory = content.entries[0]?.type === 'directory';
  const into = plan.dest.endsWith('/') && !(isDirectory && source.endsWith('/'));
  const wanted = into ? `${plan.dest}${content.name}` : plan.dest;
  const dest = resolveInView(view, wanted, isDirectory);
  const there = view.get(dest);
  if (!isDirectory && (dest === '' || there?.type === 'directory')) {
    throw new StackError('STACK3005', `'${source}' is a file, but '${plan.dest}' is a directory in the image`, {
      hint: `write dest: '${plan.dest.replace(/\/$/, '')}/' to put it into that directory`,
    });
  }
  if (isDirectory && dest !== '' && there !== undefined && there.type !== 'directory') {
    throw new StackError('STACK3005', `'${source}' is a directory, but '/${dest}' is a ${there.type} in the image`);
  }
  for (const parent of ancestorsOf(dest)) placeParent(context, delta, view, parent, plan);
  for (const entry of content.entries) {
    const target = [dest, entry.path].filter((part) => part !== '').join('/');
    if (target === '') continue; // the root keeps what the base says of it
    const known = view.get(target);
    if (known !== undefined && (known.type === 'directory') !== (entry.type === 'directory')) {
      throw new StackError(
        'STACK3005',
        `'/${target}' is a ${known.type} in the image and a ${entry.type} in '${source}'`,
      );
    }
    const link =
      entry.type === 'hardlink' ? { target: [dest, entry.target].filter((part) => part !== '').join('/') } : {};
    delta.set(target, { ...entry, ...link, ...ownership(plan, entry), path: target } as Entry);
  }
}

/** Parents come with the metadata the image has for them, so that the layer does not change it (archives.md, rule 10). */
function placeParent(
  context: BuildContext,
  delta: Map<string, Entry>,
  view: View,
  parent: string,
  plan: ImportPlan,
): void {
  if (delta.has(parent)) return;
  const known = view.get(parent);
  if (known !== undefined && known.type !== 'directory') {
    throw new StackError('STACK3005', `'${plan.dest}' lies below '/${parent}', which is a ${known.type} in the image`);
  }
  delta.set(parent, known ?? plainDirectory(parent, context.epoch));
}

/** `mode` is meant for files: directories and links keep theirs. */
function ownership(plan: ImportPlan, entry: Entry): Partial<Metadata> {
  const keepsMode = entry.type === 'directory' || entry.type === 'symlink';
  return {
    ...(plan.mode === undefined || keepsMode ? {} : { mode: plan.mode }),
    ...(plan.uid === undefined ? {} : { uid: plan.uid }),
    ...(plan.gid === undefined ? {} : { gid: plan.gid }),
  };
}
