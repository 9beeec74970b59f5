import { directoriesIn, type View } from '../pack';
import type { Combination, Place } from './combination';
import type { ConflictCode } from './conflict-report';
import { isEqual, sameContent, type State } from './entry-conflict';
import type { Finding, Owner } from './findings';
import { linkAt } from './layer-paths';
import { opensDirectory, opensFile, withoutOwnGroup } from './protection';

/** The dynamic loader and the C library, of glibc and musl. */
const RUNTIME =
  /^(usr\/)?lib[^/]*\/(.*\/)?(ld-linux[^/]*\.so\.\d+|ld-musl-[^/]*\.so\.1|ld-[\d.]+\.so|libc\.so\.6|libc-[\d.]+\.so)$/;

/** Databases of packages, whose mergers compare versions and needs. */
const PACKAGE_DATABASES = [
  'var/lib/dpkg/status',
  'var/lib/dpkg/status.d',
  'lib/apk/db/installed',
  'usr/lib/apk/db/installed',
];

/** What two components have at one path, and what both had before. */
interface Sides {
  readonly path: string;
  readonly base: Owner;
  readonly before: State;
  /** The component that changes it, and where. */
  readonly changer: Owner;
  /** What it has now; undefined when it removes the path. */
  readonly now: State | undefined;
  /** The component that rests on it. */
  readonly other: number;
  /** What that one has; undefined when it removes the path. */
  readonly kept: State | undefined;
  readonly isAbove: boolean;
}

type Change = Pick<Finding, 'code' | 'owners' | 'message'>;

/**
 * Finds changes that one component alone makes to what it shares with another one, and that the other rests on (stacking.md §8).
 * All other changes of one side win.
 */
export class Foundations {
  /** By component, the place of a directory for that component alone. */
  private readonly resolvers = new Map<number, (directory: string) => string>();

  public constructor(
    private readonly combination: Combination,
    private readonly stateOf: (place: Place) => State,
  ) {}

  /** Every such change at a path, with its places bottom to top. */
  public *changesAt(path: string, places: readonly Place[]): Generator<Change> {
    const { combination } = this;
    const finals = combination.components.map((_, component) => combination.finalOf(path, places, component));
    for (const [changer, final] of finals.entries()) {
      const last = final ?? this.markAt(path, changer);
      if (last === undefined) continue;
      for (const [other, kept] of finals.entries()) {
        if (other === changer || combination.has(other, last.layer)) continue;
        const base = combination.finalOf(path, places, changer, other);
        if (base === undefined) continue;
        const sides: Sides = {
          path,
          base: { ...base, component: other },
          before: this.stateOf(base),
          changer: { ...last, component: changer },
          now: final && this.stateOf(final),
          other,
          kept: kept && this.stateOf(kept),
          isAbove: kept !== undefined && last.layer > kept.layer,
        };
        const change = this.changeOf(sides);
        if (change !== undefined) yield change;
      }
    }
  }

  /** The uppermost mark by which a component removes a path, or a directory above it. */
  private markAt(path: string, component: number): Place | undefined {
    const { combination } = this;
    for (let layer = combination.layers.length - 1; layer >= 0; layer -= 1) {
      const paths = combination.layer(layer);
      if (!paths.hasMarks || !combination.has(component, layer)) continue;
      const at = paths.find(path);
      if (at !== undefined && paths.type(at) === 'whiteout') return { layer, at };
      const hider = paths.hider(path);
      const mark = hider === undefined ? undefined : paths.find(hider);
      if (mark !== undefined) return { layer, at: mark };
    }
    return undefined;
  }

  private changeOf(sides: Sides): Change | undefined {
    const { before, now } = sides;
    if (before === 'implied' || (now !== undefined && isEqual(now, before))) return undefined;
    if (before.type === 'symlink') return this.linkChange(sides) ?? this.runtimeChange(sides);
    return this.openedChange(sides) ?? this.runtimeChange(sides);
  }

  /** A link of the base that is something else now, or leads elsewhere, where the other has files behind it. */
  private linkChange(sides: Sides): Change | undefined {
    const { path, before, now, other, changer, kept } = sides;
    if (before === 'implied' || before.type !== 'symlink') return undefined;
    // Who passes it by contradicts also those who do the same: the base's files are lost to tools that make a directory of it.
    if (now !== 'implied' && (kept === undefined || !isEqual(kept, before))) return undefined;
    if (now !== undefined && now !== 'implied' && now.type === 'symlink' && now.target === before.target)
      return undefined;
    const behind = this.firstBehind(path, changer.component, other);
    if (behind === undefined) return undefined;
    const nameOf = (component: number): string => this.combination.components[component]?.name ?? '';
    const file = this.combination.layer(behind.layer).path(behind.at);
    return {
      code: linkCode(now),
      owners: [changer, { ...behind, component: other }],
      message: `in the base it is a link to ${before.target}; '${nameOf(changer.component)}' ${deedOf(now)}, and '${nameOf(other)}' has /${file} behind it`,
    };
  }

  /** What the other component alone has in the directory that a link leads to. */
  private firstBehind(link: string, changer: number, other: number): Place | undefined {
    const { combination } = this;
    const target = this.resolverOf(other)(link);
    // Nothing is reached through a link that leads back to where it is.
    if (target === link || target === '' || link.startsWith(`${target}/`)) return undefined;
    for (const [layer, paths] of combination.layers.entries()) {
      if (!combination.has(other, layer) || combination.has(changer, layer)) continue;
      const [from, to] = paths.below(target);
      for (let at = from; at < to; at += 1) if (this.isOwn({ layer, at }, changer, other)) return { layer, at };
    }
    return undefined;
  }

  /** Whether a component has something else somewhere than what it shares with another one. */
  private isOwn(place: Place, changer: number, component: number): boolean {
    const { combination } = this;
    const paths = combination.layer(place.layer);
    if (['whiteout', 'implied'].includes(paths.type(place.at))) return false;
    const path = paths.path(place.at);
    const places = combination.placesOf(path);
    const base = combination.finalOf(path, places, changer, component);
    const isLast = combination.finalOf(path, places, component)?.layer === place.layer;
    return isLast && (base === undefined || !isEqual(this.stateAt(place), this.stateAt(base)));
  }

  private stateAt({ layer, at }: Place): State {
    return this.combination.layer(layer).state(at);
  }

  private resolverOf(component: number): (directory: string) => string {
    const { combination } = this;
    const known = this.resolvers.get(component);
    if (known !== undefined) return known;
    const layers = combination.layers.filter((_, layer) => combination.has(component, layer)).reverse();
    const view: View = { get: (path) => linkAt(layers, path) };
    const resolver = directoriesIn(view);
    this.resolvers.set(component, resolver);
    return resolver;
  }

  /** A directory or file that protects less than in the base, unless the other component opens it too, or closes it again. */
  private openedChange({ before, now, kept, base, changer, isAbove }: Sides): Change | undefined {
    if (now === undefined || now === 'implied' || before === 'implied' || kept === undefined) return undefined;
    if (now.type === 'whiteout' || before.type === 'whiteout' || now.type !== before.type) return undefined;
    const opens = now.type === 'directory' ? opensDirectory : opensFile;
    if (now.type !== 'directory' && now.type !== 'file') return undefined;
    if (!opens(withoutOwnGroup(now, before), before)) return undefined;
    const isUnchanged = isEqual(kept, before);
    if (now.type === 'directory' && !isUnchanged && !isAbove) return undefined;
    if (kept !== 'implied' && kept.type === now.type && kept.mode === now.mode) return undefined;
    return { code: now.type === 'directory' ? 'DIRECTORY_WEAKENED' : 'FILE_WEAKENED', owners: [base, changer] };
  }

  /** The loader or the C library, replaced without a package, where another component has programs or libraries. */
  private runtimeChange({ path, before, now, kept, changer, base, other }: Sides): Change | undefined {
    if (!RUNTIME.test(path) || before === 'implied' || kept === undefined || !isEqual(kept, before)) return undefined;
    if (now === 'implied' || (now !== undefined && sameContent(now, before))) return undefined;
    const { combination } = this;
    const own = [...combination.layers.entries()].filter(([layer]) => combination.has(changer.component, layer));
    const isPackaged = own.some(
      ([layer, paths]) =>
        !combination.has(other, layer) && PACKAGE_DATABASES.some((database) => paths.find(database) !== undefined),
    );
    return isPackaged ? undefined : { code: 'RUNTIME_REPLACED', owners: [base, changer] };
  }
}

function linkCode(now: State | undefined): ConflictCode {
  if (now === 'implied') return 'IMPLICIT_PARENT';
  return now === undefined || now.type === 'symlink' ? 'LINK_CHANGED' : 'TYPE_CONFLICT';
}

function deedOf(now: State | undefined): string {
  if (now === undefined) return 'removes it';
  if (now === 'implied') return 'has files in it without saying what it is';
  return now.type === 'symlink' ? `lets it lead to ${now.target}` : `has a ${now.type} there`;
}
