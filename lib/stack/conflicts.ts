import { compareNames } from '../core';
import type { ConflictsPlan } from '../plan';
import type { Combination, Place } from './combination';
import type { Conflict, ConflictCode, ConflictCount, ConflictOwner, ConflictReport, Severity } from './conflict-report';
import { fixOf, judgeBy, type Judge } from './conflict-rules';
import { conflictOf, describe } from './entry-conflict';
import { NameCollisions } from './name-collisions';
import { visitWhiteouts, type WhiteoutConflict } from './whiteout-conflicts';

/** Conflicts of one code and severity that are listed; all are counted. */
const MAX_LISTED = 1000;
/** Paths that are listed with a whiteout. */
const MAX_HIDDEN = 20;

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];
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

/** What a component has somewhere. */
type Owner = Place & { readonly component: number };

/**
 * Finds where components of a combination contradict each other, from their paths alone (stacking.md §3 and §4): inside of one
 * component overwriting is meant.
 */
export function findConflicts(combination: Combination, rules: ConflictsPlan = {}): ConflictReport {
  const finder = new ConflictFinder(combination, judgeBy(rules));
  finder.comparePaths();
  finder.followWhiteouts();
  return finder.report();
}

class ConflictFinder {
  private readonly conflicts: Conflict[] = [];
  private readonly counts = new Map<string, ConflictCount>();

  public constructor(
    private readonly combination: Combination,
    private readonly judge: Judge,
  ) {}

  public comparePaths(): void {
    if (this.combination.components.length < 2) return;
    const names = new NameCollisions();
    this.combination.walk((path, places) => {
      if (places.length > 1) this.comparePlaces(path, places);
      const top = places.at(-1);
      if (top === undefined || this.typeOf(top) === 'whiteout') return;
      for (const twin of names.add(path, top.layer)) {
        if (this.combination.isForeign(twin.mark, top.layer)) this.addCollision(path, top, twin.path);
      }
    });
  }

  public followWhiteouts(): void {
    const marks = new Map<string, { readonly owners: Map<number, Owner>; readonly paths: string[]; count: number }>();
    const seen = new Set<string>();
    visitWhiteouts(this.combination, (found) => {
      const { code, path, mark, remover, victim, place } = found;
      const isNew = (key: string): boolean => {
        const { size } = seen;
        return seen.add(key).size > size;
      };
      if (code === 'MODIFY_DELETE') {
        if (isNew(`${code} ${path}`)) this.add(code, path, ownersOf(found));
        return;
      }
      const severity = this.judge(code, `/${path}`);
      const key = [severity, code, mark.layer, mark.at].join(' ');
      const known = marks.get(key) ?? { owners: new Map<number, Owner>(), paths: [], count: 0 };
      marks.set(key, known);
      known.owners.set(-1 - remover, { ...mark, component: remover });
      if (!known.owners.has(victim)) known.owners.set(victim, { ...place, component: victim });
      if (!isNew(`${key} ${path}`)) return;
      known.count += 1;
      if (known.paths.length < MAX_HIDDEN) known.paths.push(`/${path}`);
    });
    for (const [key, { owners, paths, count }] of marks) {
      const [severity, code, layer, at] = key.split(' ') as [Severity, ConflictCode, string, string];
      const path = this.combination.layer(Number(layer)).path(Number(at));
      this.list({
        code,
        severity,
        path: `/${path}`,
        owners: this.describeOwners([...owners.values()]),
        hidden: paths,
        hiddenCount: count,
        fix: fixOf(code, `/${path}`),
      });
    }
  }

  public report(): ConflictReport {
    const byRank = (a: ConflictCount, b: ConflictCount): number =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
    return {
      conflicts: this.conflicts.sort(
        (a, b) =>
          byRank({ ...a, count: 0 }, { ...b, count: 0 }) || compareNames(a.path, b.path) || compare(a.code, b.code),
      ),
      counts: [...this.counts.values()].sort((a, b) => byRank(a, b) || compare(a.code, b.code)),
    };
  }

  /** Compares what each component has at a path in the end with what every other one has. */
  private comparePlaces(path: string, places: readonly Place[]): void {
    const { combination } = this;
    if (this.isSameEverywhere(places)) return;
    if (!places.some((a, at) => places.slice(at + 1).some((b) => combination.isForeign(a.layer, b.layer)))) return;
    const finals = combination.components.flatMap((_, component): Owner[] => {
      const place = combination.finalOf(path, places, component);
      return place === undefined ? [] : [{ ...place, component }];
    });
    finals.sort((a, b) => a.layer - b.layer);
    const found = new Map<ConflictCode, Owner[]>();
    for (const [at, lower] of finals.entries()) {
      for (const upper of finals.slice(at + 1)) {
        const code = this.codeOf(path, places, lower, upper);
        if (code !== undefined) found.set(code, [...(found.get(code) ?? []), lower, upper]);
      }
    }
    const code = RANKED.find((each) => found.has(each));
    if (code !== undefined) this.add(code, path, found.get(code) ?? []);
  }

  /** Tells without ado what most paths are that come twice. */
  private isSameEverywhere([first, ...others]: readonly Place[]): boolean {
    const { combination } = this;
    return others.every(
      ({ layer, at }) => first && combination.layer(first.layer).isSame(first.at, combination.layer(layer), at),
    );
  }

  private codeOf(path: string, places: readonly Place[], lower: Owner, upper: Owner): ConflictCode | undefined {
    const { combination } = this;
    if (!combination.isForeign(lower.layer, upper.layer)) return undefined;
    const [below, above] = [combination.layer(lower.layer), combination.layer(upper.layer)];
    if (below.isSame(lower.at, above, upper.at)) return undefined;
    const base = combination.finalOf(path, places, lower.component, upper.component);
    return conflictOf({
      lower: below.state(lower.at),
      upper: above.state(upper.at),
      base: base && combination.layer(base.layer).state(base.at),
      isInhabited: () => this.isInhabited(path, lower.component, upper.layer),
    });
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
    this.add('NAME_COLLISION', path, owners);
  }

  private add(code: ConflictCode, path: string, owners: readonly Owner[]): void {
    const absolute = `/${path}`;
    const severity = this.judge(code, absolute);
    if (!this.count(code, severity)) return;
    const fix = fixOf(code, absolute);
    this.conflicts.push({ code, severity, path: absolute, owners: this.describeOwners(owners), fix });
  }

  private list(conflict: Conflict): void {
    if (this.count(conflict.code, conflict.severity)) this.conflicts.push(conflict);
  }

  /** @returns whether a conflict is among the first */
  private count(code: ConflictCode, severity: Severity): boolean {
    const key = `${code} ${severity}`;
    const count = (this.counts.get(key)?.count ?? 0) + 1;
    this.counts.set(key, { code, severity, count });
    return count <= MAX_LISTED;
  }

  private describeOwners(owners: readonly Owner[]): readonly ConflictOwner[] {
    const sorted = [...owners].sort((a, b) => a.layer - b.layer || a.component - b.component || a.at - b.at);
    const texts = new Map<string, ConflictOwner>();
    for (const { component, layer, at } of sorted) {
      const { key, createdBy } = this.combination.indexed[layer] ?? { key: '', createdBy: '' };
      const name = this.combination.components[component]?.name ?? '';
      const entry = describe(this.combination.layer(layer).state(at));
      texts.set([component, layer, at].join(' '), { component: name, layer: key, createdBy, entry });
    }
    return [...texts.values()];
  }

  private typeOf({ layer, at }: Place): string {
    return this.combination.layer(layer).type(at);
  }
}

function ownersOf({ remover, mark, victim, place }: WhiteoutConflict): readonly Owner[] {
  return [
    { ...mark, component: remover },
    { ...place, component: victim },
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
