import { Malformed, unlessMalformed } from '../malformed';
import { valueOf } from './control-file';
import { isPresent, nativeArchitecture, type Package } from './package';
import { isWithin, parseRelations, type PackageRelation, type Relation } from './relations';

/** A field that asks for packages or forbids them. */
export type NeedField = 'Pre-Depends' | 'Depends' | 'Conflicts' | 'Breaks';

/** What one package asks of the others. */
export interface Need {
  readonly package: Package;
  readonly field: NeedField;
  readonly relation: Relation;
}

interface Provided {
  readonly package: Package;
  readonly relation: PackageRelation;
}

const FIELDS: readonly NeedField[] = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks'];

/** Comparisons of packages with what others ask for; a system of thousands of packages has a tenth of it. */
const MAX_COMPARISONS = 500_000;

/** Packages that are installed together, and what they ask of each other, by the rules of dpkg. */
export class PackageSet {
  /**
   * @param packages of which those that are present count
   * @throws Malformed
   */
  public static of(packages: Iterable<Package>): PackageSet {
    const present = [...packages].filter(isPresent);
    const needs: Need[] = [];
    const provided = new Map<string, Provided[]>();
    for (const each of present) {
      for (const field of FIELDS) {
        const relations = relationsOf(each, field);
        for (const relation of relations) needs.push({ package: each, field, relation });
      }
      const provides = relationsOf(each, 'Provides');
      for (const relation of provides.flatMap(({ alternatives }) => alternatives))
        put(provided, relation.name, { package: each, relation });
    }
    const set = new PackageSet(present, needs, provided);
    if (set.comparisons() > MAX_COMPARISONS) throw new Malformed('has packages that ask for too many others');
    return set;
  }

  private readonly named = new Map<string, Package[]>();
  private readonly native: string | undefined;

  private constructor(
    present: readonly Package[],
    private readonly needs: readonly Need[],
    private readonly provided: ReadonlyMap<string, readonly Provided[]>,
  ) {
    this.native = nativeArchitecture(present);
    for (const each of present) put(this.named, each.name, each);
  }

  /** What its packages ask for in vain. */
  public broken(): Need[] {
    return this.needs.filter((need) => !this.isMet(need));
  }

  /** Whether its packages are as one of them, or one of others, asks. */
  public isMet(need: Need): boolean {
    return this.concerned(need).length > 0 !== isForbidding(need);
  }

  /** The packages that are asked for, or forbidden. */
  public concerned(need: Need): Package[] {
    return need.relation.alternatives.flatMap((wanted) => [
      ...(this.named.get(wanted.name) ?? []).filter(
        (each) =>
          isWithin(each.version, wanted.restriction) &&
          this.isFor(need, wanted, each, each.architecture) &&
          !isOwn(need, each),
      ),
      ...(this.provided.get(wanted.name) ?? []).flatMap(({ package: each, relation }) =>
        isVirtuallyWithin(relation, wanted) &&
        this.isFor(need, wanted, each, relation.architecture ?? each.architecture) &&
        !isOwn(need, each)
          ? [each]
          : [],
      ),
    ]);
  }

  private comparisons(): number {
    let count = 0;
    for (const { relation } of this.needs) {
      for (const { name } of relation.alternatives)
        count += 1 + (this.named.get(name)?.length ?? 0) + (this.provided.get(name)?.length ?? 0);
    }
    return count;
  }

  /** Whether a package has an architecture that counts. @param architecture that the package has, or provides something for */
  private isFor(need: Need, wanted: PackageRelation, candidate: Package, architecture: string): boolean {
    if (isForbidding(need) && (wanted.architecture ?? 'any') === 'any') return true;
    if (wanted.architecture === undefined)
      return candidate.multiArch === 'foreign' || this.isSameArchitecture(need.package.architecture, architecture);
    if (wanted.architecture === 'any') return candidate.multiArch === 'allowed' || architecture === 'any';
    const asked = wanted.architecture === 'native' ? 'all' : wanted.architecture;
    return this.isSameArchitecture(asked, architecture);
  }

  /** Packages for all architectures count as native ones. */
  private isSameArchitecture(a: string, b: string): boolean {
    const [left, right] = [a, b].map((each) => (each === 'all' ? this.native : each));
    return left === right || left === undefined || right === undefined;
  }
}

/** Whether a field forbids what it names. */
export function isForbidding({ field }: Need): boolean {
  return field === 'Conflicts' || field === 'Breaks';
}

/** A package may forbid others what it is, or provides, itself. */
function isOwn(need: Need, candidate: Package): boolean {
  return isForbidding(need) && candidate.name === need.package.name;
}

/** Whether what is provided will do: a version is never guessed. */
function isVirtuallyWithin(provided: PackageRelation, wanted: PackageRelation): boolean {
  if (wanted.restriction === undefined) return true;
  return provided.restriction?.operator === '=' && isWithin(provided.restriction.version, wanted.restriction);
}

function relationsOf(each: Package, field: NeedField | 'Provides'): readonly Relation[] {
  return unlessMalformed(
    () => parseRelations(valueOf(each.stanza, field.toLowerCase())),
    (why) => {
      throw new Malformed(`has a package ${each.name} whose ${field} ${why}`);
    },
  );
}

function put<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
