import { forEachParallel } from '../core';
import { hexOf } from '../oci';
import { indexLine, treeDigest, type Entry, type FileEntry, type Tree } from '../pack';
import { nameOfUrl, shownSource, type ImportPlan } from '../plan';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import type { UrlSource } from './download';
import { hashEntry } from './entry-content';
import { viewOf, type FileView } from './file-view';
import { hashFile } from './host-files';
import { hostContent, imageContent, urlContent, type ImportContent } from './import-content';
import { ImportTree, type Replaced } from './import-tree';
import type { Input } from './inputs';
import { withRootOf } from './root-directory';
import { requireSha256 } from './sha256';

/** What an image consists of, for imports from it. */
export type ImageFiles = (image: string) => readonly KnownDelta[];

/** The imports of one layer. */
export class LayerImports {
  private readonly contents = new Map<ImportPlan, Promise<ImportContent>>();

  /**
   * @param image construct path of the image, for events
   * @param base what the layers below consist of
   * @param files what other images consist of
   */
  public constructor(
    private readonly context: BuildContext,
    private readonly image: string,
    private readonly imports: readonly ImportPlan[],
    private readonly base: readonly KnownDelta[],
    private readonly files: ImageFiles,
  ) {}

  /**
   * Everything the imports depend on besides the base. Looks at the user's files, and reads those that must have a sha256; other
   * images are not looked into, and URLs whose sha256 is known are not downloaded.
   * @returns undefined while the content of some file is not known
   */
  public async inputs(): Promise<readonly Input[] | undefined> {
    await this.download((source) => this.context.downloads.expectedSha256(source) === undefined);
    const inputs: Input[] = [];
    for (const each of this.imports) {
      const { source, ...how } = each;
      const content = await this.contentKey(each);
      if (content === undefined) return undefined;
      // Content is the same wherever it comes from; of a URL only the name says where it goes.
      const path = source.type === 'url' ? nameOfUrl(source.url) : source.path;
      inputs.push({ name: `import ${shownSource(source)}`, value: { ...how, path, content } });
    }
    return inputs;
  }

  /** As {@link inputs}, reading what is not known yet. */
  public async knownInputs(): Promise<readonly Input[]> {
    const inputs = await this.inputs();
    if (inputs !== undefined) return inputs;
    for (const each of this.imports) {
      this.contents.set(each, this.withHashes(await this.contentOf(each)));
    }
    return (await this.inputs()) ?? [];
  }

  private async contentKey(each: ImportPlan): Promise<unknown> {
    const { source, sha256 } = each;
    switch (source.type) {
      case 'path':
        return treeDigest((await this.contentOf(each)).entries.map((entry) => this.recalled(entry)));
      case 'image-file':
        return this.files(source.image).map(({ contentKey }) => contentKey);
      case 'url': {
        const expected = this.context.downloads.expectedSha256({ url: source.url, sha256 });
        return { sha256: expected ?? sha256Of(await this.contentOf(each)) };
      }
    }
  }

  /** Downloads URLs together, since each mostly waits. */
  private async download(isNeeded: (source: UrlSource) => boolean): Promise<void> {
    const needed = this.imports.filter(
      ({ source, sha256 }) => source.type === 'url' && isNeeded({ url: source.url, sha256 }),
    );
    await forEachParallel(needed, needed.length, async (each) => {
      await this.contentOf(each);
    });
  }

  /** The tree they make on top of the base; empty when the base shows all of it already. */
  public async assemble(): Promise<Tree> {
    const { epoch } = this.context;
    await this.download(() => true);
    const below = await viewOf(this.base, epoch);
    const placed = new ImportTree(below, epoch);
    for (const each of this.imports) placed.place(each, await this.contentOf(each));
    await this.reportReplaced(placed.replaced);
    const tree = placed.tree();
    return (await this.changesNothing(tree, below)) ? [] : withRootOf(below, tree);
  }

  /** The same imports, as if nothing of them had been looked at. */
  public again(): LayerImports {
    return new LayerImports(this.context, this.image, this.imports, this.base, this.files);
  }

  /** The digest of a tree that they made; files whose content is not known are read. */
  public async digestOf(tree: Tree): Promise<string | undefined> {
    return treeDigest((await this.withHashes({ name: '', entries: tree })).entries);
  }

  /** Warns where one import replaces something else that another one has put there; equal content is not worth a word. */
  private async reportReplaced(replaced: readonly Replaced[]): Promise<void> {
    const paths = new Map<string, string[]>();
    for (const { earlier, later, sources } of replaced) {
      if (await this.isSame(earlier, later)) continue;
      const pair = `'${sources[0]}' and '${sources[1]}'`;
      paths.set(pair, [...(paths.get(pair) ?? []), `/${later.path}`]);
    }
    for (const [pair, [first = '', ...others]] of paths) {
      const all = others.length === 0 ? `'${first}'` : `'${first}' and ${String(others.length)} more`;
      this.context.listener({
        code: 'warning',
        id: 'import-replaced',
        message: `${all} come${others.length === 0 ? 's' : ''} from both ${pair} and differ${others.length === 0 ? 's' : ''} there; the later import is taken`,
        image: this.image,
      });
    }
  }

  private async isSame(a: Entry, b: Entry): Promise<boolean> {
    if (indexLine(a, undefined) !== indexLine(b, undefined)) return false;
    return a.type !== 'file' || b.type !== 'file' || (await this.hashOf(a)) === (await this.hashOf(b));
  }

  private async contentOf(each: ImportPlan): Promise<ImportContent> {
    let content = this.contents.get(each);
    if (content === undefined) {
      content = this.load(each).then((loaded) => this.verified(each, loaded));
      this.contents.set(each, content);
    }
    return content;
  }

  private async load(each: ImportPlan): Promise<ImportContent> {
    const { source, sha256, exclude } = each;
    switch (source.type) {
      case 'path':
        return this.withoutDoubts(hostContent(this.context, each, source.path));
      case 'image-file': {
        const view = await viewOf(this.files(source.image), this.context.epoch);
        return imageContent(view, source.image, source.path, exclude);
      }
      case 'url':
        return urlContent(this.context, this.image, { url: source.url, sha256 });
    }
  }

  /** An import that names a sha256: of the file, or for a directory of its path index with all times 0. */
  private async verified(plan: ImportPlan, content: ImportContent): Promise<ImportContent> {
    if (plan.sha256 === undefined) return content;
    const hashed = await this.withHashes(content);
    const index = (): string => hexOf(treeDigest(hashed.entries.map((entry) => ({ ...entry, mtime: 0 }))) ?? '');
    requireSha256(`'${shownSource(plan.source)}'`, plan.sha256, sha256Of(hashed) ?? index());
    return hashed;
  }

  /** Files that were read when they had just been written are read again: what is made of them is known, unless they changed. */
  private async withoutDoubts(content: ImportContent): Promise<ImportContent> {
    const isDoubtful = (entry: Entry): boolean =>
      entry.type === 'file' && entry.content.kind === 'host' && this.context.hostFiles.isDoubtful(entry.content.file);
    return content.entries.some(isDoubtful) ? this.withHashes(content, isDoubtful) : content;
  }

  private async withHashes(
    content: ImportContent,
    isWanted: (entry: Entry) => boolean = () => true,
  ): Promise<ImportContent> {
    const entries: Entry[] = [];
    for (const entry of content.entries) {
      entries.push(entry.type === 'file' && isWanted(entry) ? { ...entry, sha256: await this.hashOf(entry) } : entry);
    }
    return { ...content, entries };
  }

  private async hashOf(entry: FileEntry): Promise<string> {
    const known = this.recalled(entry);
    if (known.sha256 !== undefined || known.content.kind !== 'host') return hashEntry(known);
    const { file, identity } = known.content;
    const sha256 = await hashFile(file);
    this.context.hostFiles.learn(file, identity, sha256);
    return sha256;
  }

  /** What was hashed since it was looked at is known now. */
  private recalled<T extends Entry>(entry: T): T {
    if (entry.type !== 'file' || entry.sha256 !== undefined || entry.content.kind !== 'host') return entry;
    const sha256 = this.context.hostFiles.recall(entry.content.file, entry.content.identity);
    return sha256 === undefined ? entry : { ...entry, sha256 };
  }

  /** Contents are compared only where everything else is equal. */
  private async changesNothing(tree: Tree, below: FileView): Promise<boolean> {
    const pairs = tree.map((entry) => [entry, below.get(entry.path)] as const);
    const differs = ([entry, known]: (typeof pairs)[number]): boolean =>
      known === undefined || indexLine(entry, undefined) !== indexLine(known, undefined);
    if (pairs.some(differs)) return false;
    for (const [entry, known] of pairs) if (known === undefined || !(await this.isSame(entry, known))) return false;
    return true;
  }
}

/** Of an import that is one file whose hash is known. */
function sha256Of({ entries: [top] }: ImportContent): string | undefined {
  return top?.type === 'file' ? top.sha256 : undefined;
}
