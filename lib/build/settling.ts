import { compareNames, StackError } from '../core';
import type { Entry, Metadata, Tree } from '../pack';
import {
  findDiverted,
  matcherOf,
  mergeMetadata,
  type Combination,
  type Files,
  type Findings,
  type MergedFile,
  type MergeOutcome,
  type MergeProblem,
  type MergeRequest,
  type Owner,
  type Restoration,
} from '../stack';
import type { CombinedDeltas } from './built-image';
import { FileView, treesOf, viewOf } from './file-view';
import { Glue } from './glue';
import { filesOf, TooLargeToMerge } from './merged-files';
import type { KeyedMerger } from './keyed-merger';

const NEW_FILE: Metadata = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

/** Settles the conflicts of one combination: puts back what nobody meant to remove, then asks the mergers. */
export class Settling {
  /** Opens the trees of a combination. @throws what making them throws */
  public static async of(
    { deltas, combines }: CombinedDeltas,
    combination: Combination,
    findings: Findings,
    epoch: number,
  ): Promise<Settling> {
    const trees = await treesOf(deltas);
    const views: FileView[] = [];
    for (const component of combines) views.push(await viewOf(component.deltas, epoch)); // of the same trees
    return new Settling(trees, views, combination, findings, epoch);
  }

  public readonly glue: Glue;
  /** Where each settled path's merger, or repair, is told. */
  private readonly answered = new Set<string>();
  private readonly refused = new Set<string>();

  private constructor(
    private readonly trees: readonly Tree[],
    private readonly views: readonly FileView[],
    private readonly combination: Combination,
    private readonly findings: Findings,
    private readonly epoch: number,
  ) {
    this.glue = new Glue(FileView.of(trees, epoch), views, epoch);
  }

  /** Puts back what one component changed, or has, and what is lost though nobody meant that. */
  public restore(): void {
    const { restorations, report } = this.findings;
    const contents = this.trees.map((tree) => new Map(tree.map((entry) => [entry.path, entry])));
    const byPath = [...restorations.values()].sort((a, b) => compareNames(a.path, b.path));
    for (const restoration of byPath) {
      const { path, by, owners } = restoration;
      const entry = this.restored(restoration, contents);
      if (entry === 'implied') continue;
      if (this.putBack(path, entry)) report.settle(path, by, owners);
    }
    this.glue.settle();
  }

  /** What cannot be put back, since a component has something else above it, is an error already. */
  private putBack(path: string, entry: Entry | undefined): boolean {
    try {
      return this.glue.put(path, entry);
    } catch (error) {
      if (StackError.is(error) && this.findings.report.hasErrors) return false;
      throw error;
    }
  }

  /** Asks the mergers that have something to do. @throws what they throw */
  public async merge(mergers: readonly KeyedMerger[]): Promise<void> {
    for (const [number, merger] of mergers.entries()) {
      const claims = [...this.findings.claims.values()]
        .filter(({ path, mergers: wanted }) => wanted.includes(number) && !this.answered.has(path))
        .sort((a, b) => compareNames(a.path, b.path));
      if (claims.length === 0) continue;
      const paths = claims.map(({ path }) => path);
      for (const group of merger.isPathwise === true ? this.groupsOf(paths) : [paths]) await this.ask(merger, group);
      this.glue.settle();
    }
    this.reportRest();
  }

  /** Adds files that dpkg would have put elsewhere, where components have diversions that others do not know. */
  public async checkDiversions(): Promise<void> {
    const components = this.views.map((view, at) => ({ name: this.nameOf(at), files: filesOf(view) }));
    for (const { path, message, components: names } of await findDiverted(components, filesOf(this.glue.view))) {
      this.findings.report.add({ code: 'DIVERTED_FILE', path, owners: this.ownersAt(path, names), message });
    }
  }

  /** Paths of the same components together, since these share the same base at all of them. */
  private groupsOf(paths: readonly string[]): Iterable<readonly string[]> {
    const groups = new Map<string, string[]>();
    for (const path of paths) {
      const key = this.concernedBy([path]).join();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [path]);
      else group.push(path);
    }
    return groups.values();
  }

  private async ask(merger: KeyedMerger, paths: readonly string[]): Promise<void> {
    const isPathwise = merger.isPathwise === true;
    const { request, concerned, base } = this.request(paths);
    const { files, problems } = await this.outcomeOf(merger, request);
    for (const problem of problems) this.addProblem(problem);
    const spoilt = new Set(isPathwise || problems.length === 0 ? problems.map(({ path }) => path) : paths);
    for (const path of spoilt) {
      this.answered.add(path);
      this.refused.add(path);
    }
    if (problems.length > 0 && !isPathwise) return;
    const isFor = matcherOf([...merger.paths, ...(merger.makes ?? [])]);
    for (const [path, file] of [...files].sort(([a], [b]) => compareNames(a, b))) {
      if (!isFor(`/${path}`)) throw new StackError('STACK5029', `the merger '${merger.name}' is not for /${path}`);
      if (spoilt.has(path)) continue;
      this.answered.add(path);
      const { report, claims } = this.findings;
      const names = concerned.map((component) => this.nameOf(component));
      if (this.put(path, file, concerned, base)) {
        report.settle(path, merger.name, claims.get(path)?.owners ?? this.ownersAt(path, names));
      } else {
        report.leave(path);
      }
    }
  }

  private async outcomeOf(merger: KeyedMerger, request: MergeRequest): Promise<MergeOutcome> {
    try {
      return await merger.merge(request);
    } catch (error) {
      if (!(error instanceof TooLargeToMerge)) throw error;
      const { path, message } = error;
      const names = request.components.map(({ name }) => name);
      this.findings.report.add({ code: 'TOO_LARGE_TO_MERGE', path, owners: this.ownersAt(path, names) }, { message });
      const others = request.paths.filter((each) => each !== path);
      const areIndependent = merger.isPathwise === true && others.length < request.paths.length;
      for (const each of areIndependent ? [path] : request.paths) {
        this.answered.add(each);
        if (each !== path) this.refused.add(each);
      }
      if (areIndependent && others.length > 0) return this.outcomeOf(merger, { ...request, paths: others });
      return { files: new Map(), problems: [] };
    }
  }

  /** What mergers get: only components that have something at one of the paths are concerned. */
  private request(paths: readonly string[]): {
    readonly request: MergeRequest;
    readonly concerned: readonly number[];
    readonly base: Files;
  } {
    const { combination, views } = this;
    const concerned = this.concernedBy(paths);
    const shared = this.trees.filter((_, layer) => concerned.every((component) => combination.has(component, layer)));
    const base = filesOf(FileView.of(shared, this.epoch));
    const components = concerned.flatMap((component) => {
      const view = views[component];
      return view === undefined ? [] : [{ name: this.nameOf(component), files: filesOf(view) }];
    });
    return { request: { paths, base, components, stacked: filesOf(this.glue.view) }, concerned, base };
  }

  private concernedBy(paths: readonly string[]): readonly number[] {
    return [...this.views.keys()].filter((component) =>
      paths.some((path) => this.views[component]?.get(path) !== undefined || this.removes(component, path)),
    );
  }

  /** Whether a component has no path any more that a layer of it had. */
  private removes(component: number, path: string): boolean {
    return this.combination.placesOf(path).some(({ layer }) => this.combination.has(component, layer));
  }

  /** @returns whether that makes a difference */
  private put(path: string, file: MergedFile, concerned: readonly number[], base: Files): boolean {
    if (file.type === 'removed') return this.glue.put(path, undefined);
    const owner = this.ownershipOf(path, concerned, base);
    if (file.type === 'symlink') {
      const { target } = file;
      return this.glue.put(path, { ...owner, type: 'symlink', path, mode: 0o777, mtime: this.epoch, target });
    }
    const bytes = Buffer.from(file.content);
    const content = { kind: 'bytes', bytes } as const;
    return this.glue.put(path, { ...owner, type: 'file', path, mtime: this.epoch, size: bytes.length, content });
  }

  /** Three-way; where components contradict each other the topmost wins, if that is no error. */
  private ownershipOf(path: string, concerned: readonly number[], base: Files): Omit<Metadata, 'mtime'> {
    const sides = concerned.flatMap((component) => metadataOf(this.views[component]?.get(path)) ?? []);
    const top = sides.at(-1);
    if (top === undefined) return metadataOf(this.glue.view.get(path)) ?? NEW_FILE;
    const merged = mergeMetadata(metadataOf(base.get(path)), sides);
    if (merged !== undefined) return merged;
    const owners = this.ownersAt(
      path,
      concerned.map((component) => this.nameOf(component)),
    );
    this.findings.report.add({ code: 'METADATA_CONFLICT', path, owners });
    return top;
  }

  private addProblem({ code, path, message, components, files, fix }: MergeProblem): void {
    this.findings.report.add(
      { code, path, owners: this.ownersAt(path, components) },
      { message, fix, ...(files === undefined ? {} : { files: files.map((file) => `/${file}`) }) },
    );
  }

  /** What no merger has settled is a conflict still; of what one has refused, only when it is not wrong for its reason. */
  private reportRest(): void {
    const { claims, report } = this.findings;
    for (const claim of claims.values()) {
      if (!this.answered.has(claim.path) || (this.refused.has(claim.path) && !report.hasErrors)) report.add(claim);
    }
  }

  private restored(
    { place }: Restoration,
    contents: readonly ReadonlyMap<string, Entry>[],
  ): Entry | undefined | 'implied' {
    if (place === undefined) return undefined;
    const state = this.combination.layer(place.layer).state(place.at);
    if (state === 'implied') return state;
    const entry = contents[place.layer]?.get(state.path);
    if (entry === undefined) throw new StackError('STACK9001', `'${state.path}' is in an index, but not in its tree`);
    if (entry.type === 'file' && state.type === 'file') return { ...entry, sha256: state.sha256 };
    return entry.type === 'directory' ? { ...entry, opaque: undefined } : entry;
  }

  private ownersAt(path: string, names: readonly string[]): readonly Owner[] {
    const { combination } = this;
    const places = combination.placesOf(path);
    return [...combination.components.entries()].flatMap(([component, { name }]): Owner[] => {
      const place = names.includes(name) ? combination.finalOf(path, places, component) : undefined;
      return place === undefined ? [] : [{ ...place, component }];
    });
  }

  private nameOf(component: number): string {
    return this.combination.components[component]?.name ?? '';
  }
}

function metadataOf(entry: Entry | undefined): Metadata | undefined {
  if (entry === undefined || entry.type === 'whiteout') return undefined;
  const { mode, uid, gid, mtime, xattrs } = entry;
  return { mode, uid, gid, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
}
