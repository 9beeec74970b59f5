import * as fs from 'node:fs';
import * as path from 'node:path';
import { bytesToName, nameToBytes, StackError } from '../core';
import {
  identityOf,
  parentOf,
  resolveInView,
  type Content,
  type Entry,
  type FileEntry,
  type FileIdentity,
} from '../pack';
import { isTemporaryOf, LOCK_FILE_NAME, nameOfUrl, type ImportPlan } from '../plan';
import type { BuildContext } from './context';
import type { UrlSource } from './download';
import { excludeFilter, takesBack, withoutExcluded } from './exclude';
import type { FileView } from './file-view';
import { scanHost, type HostEntry } from './host-scan';

/**
 * What an import brings: entries in byte order of their paths, which are relative to the source; the first is the source
 * itself, `''`. There are no hard links among them: names of one file share their `content` object.
 */
export interface ImportContent {
  readonly entries: readonly Entry[];
  /** Last component of the source's path, as it was written. */
  readonly name: string;
}

/**
 * The content of an import from the user's files. A symbolic link named as the source is followed unless it dangles;
 * links inside a directory stay links. Owner root, mode 0755 for directories and executables and 0644 for the rest,
 * time the epoch, so that nothing depends on who checked it out where (design.md §6).
 * What the build itself writes to is never part of it.
 * @throws StackError STACK2006 for a bad pattern, STACK3003, STACK4004
 */
export function hostContent(context: BuildContext, plan: ImportPlan, source: string): ImportContent {
  const top = path.resolve(context.directory, source);
  const patterns = plan.exclude ?? [];
  const isExcluded = excludeFilter(patterns);
  const entersExcluded = takesBack(patterns);
  const outputs = outputsOf(context);
  const real = fs.existsSync(nameToBytes(top)) ? bytesToName(fs.realpathSync(nameToBytes(top), 'buffer')) : top;
  const found = scanHost(top, {
    skips: (child) =>
      isWritten(context, path.join(real, child.path)) ||
      (isExcluded(child.path) && !(child.isDirectory && entersExcluded)),
    skipsInode: (identity) => outputs.has(inodeOf(identity)),
  });
  const entries = withoutExcluded(found, patterns).map((entry) => hostEntry(context, entry));
  return { name: path.basename(top), entries };
}

/**
 * Whether a file is the output, the lock file, or stands beside one of them while it is written, by this process or another:
 * they come and go, and what is imported must not depend on that.
 */
function isWritten({ directory, outputs }: BuildContext, file: string): boolean {
  const [parent, name] = [path.dirname(file), path.basename(file)];
  const isLockFile = name === LOCK_FILE_NAME || name.startsWith(`${LOCK_FILE_NAME}.`);
  if (isLockFile && parent === directory) return true;
  return outputs.some((output) => {
    return parent === path.dirname(output) && (file === output || isTemporaryOf(path.basename(output), name));
  });
}

/** What the build writes to, told by inodes, since there may be several ways to it. */
function outputsOf(context: BuildContext): ReadonlySet<string> {
  const outputs = [...context.outputs, context.store.directory].filter((output) => fs.existsSync(output));
  return new Set(outputs.map((output) => inodeOf(identityOf(fs.statSync(output, { bigint: true })))));
}

function inodeOf({ device, inode }: FileIdentity): string {
  return `${String(device)}:${String(inode)}`;
}

function hostEntry(context: BuildContext, entry: HostEntry): Entry {
  const { path: at, type, file, identity, executable, target = '' } = entry;
  const [uid, gid, mtime] = [0, 0, context.epoch];
  switch (type) {
    case 'directory':
      return { path: at, type, mode: 0o755, uid, gid, mtime };
    case 'symlink':
      return { path: at, type, mode: 0o777, uid, gid, mtime, target };
    case 'file': {
      const { size } = identity;
      const content = { kind: 'host', file, identity } as const;
      const sha256 = context.hostFiles.recall(file, identity);
      return { path: at, type, mode: executable ? 0o755 : 0o644, uid, gid, mtime, size, content, sha256 };
    }
  }
}

/**
 * The content of an import from another image, metadata and all; links are treated as in {@link hostContent}.
 * @param view what a container of that image sees
 * @throws StackError STACK2006 for a bad pattern, STACK3004 when there is nothing at the path
 */
export function imageContent(
  view: FileView,
  image: string,
  source: string,
  exclude: readonly string[] | undefined,
): ImportContent {
  const followed = resolveInView(view, source);
  const at = view.get(followed) === undefined ? resolveInView(view, source, false) : followed;
  const found = view.under(at);
  if (found.length === 0) throw missing(view, image, source, at);
  const relative = found.map((entry) => ({ path: entry.path.slice(at === '' ? 0 : at.length + 1), entry }));
  const contents = new Map<FileEntry, Content>();
  const entries = withoutExcluded(relative, exclude ?? []).map(({ path: place, entry }): Entry => {
    const original = entry.type === 'hardlink' ? view.get(entry.target) : entry;
    if (original?.type !== 'file') return { ...entry, path: place };
    const content = contents.get(original) ?? { ...original.content }; // of this import alone: two imports make two files
    contents.set(original, content);
    return { ...original, path: place, content };
  });
  return { name: path.posix.basename(source), entries };
}

/**
 * The content of an import from a URL: a file as {@link hostContent} makes them, never executable, since no server says so.
 * @param image construct path of the image, for events
 * @throws StackError as `Downloads.provide`
 */
export async function urlContent(context: BuildContext, image: string, source: UrlSource): Promise<ImportContent> {
  const { file, sha256, size } = await context.downloads.provide(image, source);
  const content = { kind: 'slice', file, offset: 0, check: true } as const;
  const entry: Entry = {
    type: 'file',
    path: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: context.epoch,
    size,
    sha256,
    content,
  };
  return { name: nameOfUrl(source.url) ?? '', entries: [entry] };
}

function missing(view: FileView, image: string, source: string, at: string): StackError {
  const parent = parentOf(at);
  const siblings = view.childrenOf(parent).map((known) => `/${known}`);
  const hint =
    siblings.length === 0
      ? `'/${parent}' is empty or missing`
      : `'/${parent}' has ${siblings.slice(0, 10).join(', ')}${siblings.length > 10 ? ', …' : ''}`;
  return new StackError('STACK3004', `'${source}' does not exist in '${image}'`, { hint });
}
