import type { ConflictsPlan } from '../plan';
import type { Combination, Place } from './combination';
import type { ConflictCode } from './conflict-report';
import { Judge } from './conflict-rules';
import { conflictOf, isEqual, type State } from './entry-conflict';
import type { Claim, Finding, Owner, Restoration } from './findings';
import { Foundations } from './foundations';
import { findHidden } from './hidden';
import { NameCollisions } from './name-collisions';
import { ReportBuilder } from './report-builder';

/** Conflicts that mergers are asked to settle; what has more was not made to be combined. */
const MAX_CLAIMED = 100_000;

/** Files of which a root filesystem has one at least: the system's name, and databases of packages. */
const ROOT_FILES = [
  'etc/os-release',
  'usr/lib/os-release',
  'var/lib/dpkg/status',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
  'var/lib/rpm/rpmdb.sqlite',
  'usr/lib/sysimage/rpm/rpmdb.sqlite',
];

/** Of several conflicts at one path the first of these is told. */
const RANKED: readonly ConflictCode[] = [
  'TYPE_CONFLICT',
  'IMPLICIT_PARENT',
  'FILE_OVER_DIRECTORY',
  'PRIVILEGED_FILE',
  'CONTENT_CONFLICT',
  'METADATA_CONFLICT',
  'DIRECTORY_WEAKENED',
  'DIRECTORY_METADATA',
];
/** What a change is kept from where the component above has what the base has. */
const KEPT: ReadonlySet<ConflictCode> = new Set([
  'CONTENT_CONFLICT',
  'METADATA_CONFLICT',
  'DIRECTORY_WEAKENED',
  'DIRECTORY_METADATA',
]);

/** Everything that is found in a combination. */
export interface Findings {
  /** Has the conflicts that nothing settles. */
  readonly report: ReportBuilder;
  /** By path. */
  readonly claims: ReadonlyMap<string, Claim>;
  /** By path. */
  readonly restorations: ReadonlyMap<string, Restoration>;
}

/** What decides about conflicts. */
export interface ConflictOptions {
  readonly rules?: ConflictsPlan | undefined;
  /** The globs of each merger, in their order. */
  readonly mergers?: readonly (readonly string[])[] | undefined;
}

/**
 * Finds where components of a combination contradict each other, from their paths alone (stacking.md §3 and §4): inside of one
 * component overwriting is meant.
 */
export function findConflicts(combination: Combination, { rules = {}, mergers }: ConflictOptions = {}): Findings {
  const finder = new ConflictFinder(combination, new Judge(rules, mergers));
  if (combination.components.length > 1) {
    finder.compareBases();
    finder.comparePaths();
    finder.followWhiteouts();
  }
  return finder;
}

class ConflictFinder implements Findings {
  public readonly report: ReportBuilder;
  public readonly claims = new Map<string, Claim>();
  public readonly restorations = new Map<string, Restoration>();
  /** By layer, what is at the path that is compared: every pair of components asks for it. */
  private readonly states = new Map<number, State>();
  private readonly foundations: Foundations;
  /** By layer, paths at which it has something else than a directory over one. */
  private readonly replaced = new Map<number, string[]>();

  public constructor(
    private readonly combination: Combination,
    private readonly judge: Judge,
  ) {
    this.report = new ReportBuilder(combination, judge);
    this.foundations = new Foundations(combination, (place) => this.stateOf(place));
  }

  /** Each component that is a whole system, with the first such one that it has no layer in common with. */
  public compareBases(): void {
    if (!this.judge.wantsCommonBase) return;
    const { combination } = this;
    const systems: Owner[] = [];
    for (const component of combination.components.keys()) {
      const place = this.rootOf(component);
      if (place === undefined) continue;
      const stranger = systems.find((other) => !combination.sharesLayer(other.component, component));
      const owner = { ...place, component };
      systems.push(owner);
      if (stranger === undefined) continue;
      const path = combination.layer(place.layer).path(place.at);
      this.report.add({ code: 'NO_COMMON_BASE', path, owners: [stranger, owner] });
    }
  }

  /** What tells that a component has a root filesystem. */
  private rootOf(component: number): Place | undefined {
    for (const path of ROOT_FILES) {
      const found = this.combination.finalOf(path, this.combination.placesOf(path), component);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  public comparePaths(): void {
    const names = new NameCollisions();
    this.combination.walk((path, places) => {
      if (places.length > 1) {
        this.noteReplaced(path, places);
        this.comparePlaces(path, places);
      }
      const top = places.at(-1);
      if (top === undefined || this.typeOf(top) === 'whiteout') return;
      for (const twin of names.add(path, top.layer)) {
        if (this.combination.isForeign(twin.mark, top.layer)) this.addCollision(path, top, twin.path);
      }
    });
  }

  public followWhiteouts(): void {
    this.followRemovedLinks();
    const hidden = findHidden(this.combination, this.judge);
    for (const finding of hidden.conflicts) this.add(finding);
    for (const { finding, more } of hidden.marks) this.report.add(finding, more);
    for (const each of hidden.restorations) this.restorations.set(each.path, each);
  }

  /** Takes note of what lies over directories of layers below, before the walk comes to what is in these. */
  private noteReplaced(path: string, places: readonly Place[]): void {
    const isDirectory = (place: Place): boolean => ['directory', 'implied'].includes(this.typeOf(place));
    const lowest = places.findIndex(isDirectory);
    if (lowest < 0) return;
    for (const place of places.slice(lowest + 1)) {
      if (isDirectory(place) || this.typeOf(place) === 'whiteout') continue;
      this.combination.layer(place.layer).cover(path);
      this.replaced.set(place.layer, [...(this.replaced.get(place.layer) ?? []), path]);
    }
  }

  /** Looks at links that only go with the directory that they are in: walking over the paths they come but once. */
  private followRemovedLinks(): void {
    const { layers } = this.combination;
    const links = layers.flatMap((marking, above) =>
      [...marking.marks.map((mark) => marking.path(mark)), ...(this.replaced.get(above) ?? [])].flatMap((directory) =>
        layers.slice(0, above).flatMap((paths) => {
          const [from, to] = paths.below(directory);
          const found: string[] = [];
          for (let at = from; at < to; at += 1) if (paths.type(at) === 'symlink') found.push(paths.path(at));
          return found;
        }),
      ),
    );
    for (const path of new Set(links)) {
      const places = this.combination.placesOf(path);
      this.states.clear();
      if (places.length === 1) this.addOneSided(path, places);
    }
  }

  /** Compares what each component has at a path in the end with what every other one has. */
  private comparePlaces(path: string, places: readonly Place[]): void {
    const { combination } = this;
    if (this.isSameEverywhere(places)) return;
    this.states.clear();
    const told = this.addOneSided(path, places);
    if (!places.some((a, at) => places.slice(at + 1).some((b) => combination.isForeign(a.layer, b.layer)))) return;
    const finals = combination.components.flatMap((_, component): Owner[] => {
      const place = combination.finalOf(path, places, component);
      return place === undefined ? [] : [{ ...place, component }];
    });
    finals.sort((a, b) => a.layer - b.layer);
    const found = new Map<ConflictCode, Set<Owner>>();
    let undone: { readonly changed: Owner; readonly by: Owner } | undefined;
    for (const [at, lower] of finals.entries()) {
      for (const upper of finals.slice(at + 1)) {
        const { code, isUndone } = this.compare(path, places, lower, upper);
        if (code === undefined) continue;
        if (isUndone && this.judge.keepsChange(`/${path}`)) undone = { changed: lower, by: upper };
        else found.set(code, (found.get(code) ?? new Set()).add(lower).add(upper));
      }
    }
    const code = RANKED.find((each) => found.has(each));
    if (code !== undefined) {
      if (!told.has(code)) this.add({ code, path, owners: [...(found.get(code) ?? [])] });
    } else if (undone !== undefined) {
      const { changed, by } = undone;
      this.restorations.set(path, { path, place: changed, by: 'one-sided change', owners: [changed, by] });
    }
  }

  /** Adds what one component alone changes and others rest on. @returns the codes of that */
  private addOneSided(path: string, places: readonly Place[]): ReadonlySet<ConflictCode> {
    const found = new Map<ConflictCode, Finding>();
    for (const { code, owners, message } of this.foundations.changesAt(path, places)) {
      const known = found.get(code) ?? { code, path, owners: [], message };
      found.set(code, { ...known, owners: [...known.owners, ...owners] });
    }
    for (const finding of found.values()) this.add(finding);
    return new Set(found.keys());
  }

  /** Tells without ado what most paths are that come twice. */
  private isSameEverywhere([first, ...others]: readonly Place[]): boolean {
    const { combination } = this;
    return others.every(
      ({ layer, at }) => first && combination.layer(first.layer).isSame(first.at, combination.layer(layer), at),
    );
  }

  /** @returns what kind of conflict it is, and whether the upper one has what the base has, so that it meant no change */
  private compare(
    path: string,
    places: readonly Place[],
    lower: Owner,
    upper: Owner,
  ): { readonly code?: ConflictCode | undefined; readonly isUndone?: boolean } {
    const { combination } = this;
    if (!combination.isForeign(lower.layer, upper.layer)) return {};
    const [below, above] = [combination.layer(lower.layer), combination.layer(upper.layer)];
    if (below.isSame(lower.at, above, upper.at)) return {};
    const shared = combination.finalOf(path, places, lower.component, upper.component);
    const base = shared && this.stateOf(shared);
    const upperState = this.stateOf(upper);
    const code = conflictOf({
      lower: this.stateOf(lower),
      upper: upperState,
      base,
      isInhabited: () => this.isInhabited(path, lower.component, upper.layer),
    });
    const isUndone = code !== undefined && KEPT.has(code) && base !== undefined && isEqual(upperState, base);
    return { code, isUndone };
  }

  /** Whether a component has something in a directory, in layers that are foreign to another one. */
  private isInhabited(directory: string, component: number, other: number): boolean {
    return this.combination.layers.some((layer, at) => {
      if (!this.combination.has(component, at) || !this.combination.isForeign(at, other)) return false;
      const [from, to] = layer.below(directory);
      return from < to;
    });
  }

  private addCollision(path: string, place: Place, twin: string): void {
    const owners = [...this.combination.placesOf(twin), place].flatMap((each): Owner[] =>
      this.combination.ownersOf(each.layer).map((component) => ({ ...each, component })),
    );
    this.add({ code: 'NAME_COLLISION', path, owners });
  }

  private add(finding: Finding): void {
    const { code, path } = finding;
    const mergers = this.claims.size < MAX_CLAIMED ? this.judge.mergersFor(code, `/${path}`) : [];
    if (mergers.length === 0) this.report.add(finding);
    else if (!this.claims.has(path)) this.claims.set(path, { ...finding, mergers });
  }

  private stateOf({ layer, at }: Place): State {
    const known = this.states.get(layer) ?? this.combination.layer(layer).state(at);
    this.states.set(layer, known);
    return known;
  }

  private typeOf({ layer, at }: Place): string {
    return this.combination.layer(layer).type(at);
  }
}
