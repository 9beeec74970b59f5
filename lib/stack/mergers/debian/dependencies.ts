import type { MergeProblem } from '../merger';
import type { Side } from '../records';
import { displayName, isPresent, STATUS, type Package } from './package';
import type { MergedPackages } from './merged-packages';
import { isSamePackage } from './package-merge';
import { isForbidding, PackageSet, type Need } from './package-set';

/**
 * Finds what packages ask of each other in vain since they were stacked. What no component had either was so before, and is not
 * told.
 * @throws Malformed
 */
export function findBrokenDependencies(merged: MergedPackages): readonly MergeProblem[] {
  const together = PackageSet.of(merged.records.values());
  const broken = together.broken();
  if (broken.length === 0) return [];
  const parts: Part[] = [];
  for (const side of merged.sides) {
    const set = PackageSet.of(side.records.values());
    parts.push({ ...side, set, keys: new Map([...side.records].map(([key, each]) => [each, key])) });
  }
  const keys = new Map([...merged.records].map(([key, each]) => [each, key]));
  return broken.flatMap((need) => {
    const key = keys.get(need.package) ?? '';
    const sound = parts.filter(
      ({ records, set }) => records.get(key)?.version === need.package.version && set.isMet(need),
    );
    if (sound.length === 0) return [];
    return isForbidding(need)
      ? forbidden(need, merged, sound, together.concerned(need), keys)
      : missing(need, merged, sound);
  });
}

/** A component with what its packages ask of each other. */
interface Part extends Side<Package> {
  readonly set: PackageSet;
  readonly keys: ReadonlyMap<Package, string>;
}

/** @param sound the components in which the need is met */
function missing(need: Need, merged: MergedPackages, sound: readonly Part[]): MergeProblem[] {
  const reasons: string[] = [];
  const components = new Set(sound.map(({ component }) => component));
  const lost = new Map(
    sound.flatMap(({ set, keys }) => set.concerned(need).map((each) => [keys.get(each) ?? '', each])),
  );
  for (const [key, each] of lost) {
    const now = merged.records.get(key);
    const culprits = merged.sides.filter(
      (side) => !isSamePackage(side.records.get(key), each) && isSamePackage(side.records.get(key), now),
    );
    for (const { component } of culprits) components.add(component);
    const where = culprits.length === 0 ? '' : ` in ${namesOf(culprits)}`;
    reasons.push(now === undefined ? `${displayName(each)} is removed${where}` : `${stateOf(now)}${where}`);
  }
  return [problem(need, sound, reasons.join(' and '), components)];
}

function forbidden(
  need: Need,
  merged: MergedPackages,
  sound: readonly Part[],
  offenders: readonly Package[],
  keys: ReadonlyMap<Package, string>,
): MergeProblem[] {
  const components = new Set(sound.map(({ component }) => component));
  const reasons = offenders.map((each) => {
    const key = keys.get(each) ?? '';
    const culprits = merged.sides.filter((side) => isSamePackage(side.records.get(key), each));
    for (const { component } of culprits) components.add(component);
    return `${stateOf(each)}${culprits.length === 0 ? '' : ` in ${namesOf(culprits)}`}`;
  });
  return [problem(need, sound, reasons.join(' and '), components)];
}

function problem(need: Need, sound: readonly Part[], reason: string, components: ReadonlySet<string>): MergeProblem {
  const { field, relation } = need;
  const name = displayName(need.package);
  return {
    code: 'DEP_BROKEN',
    path: STATUS,
    message: `${name} of ${namesOf(sound)} has '${field}: ${relation.text}', but ${reason}`,
    components: [...components],
    fix: isForbidding(need)
      ? `leave ${name} or what it cannot be with out of one of them`
      : `install what ${name} needs in the shared base, or the same version everywhere`,
  };
}

function stateOf(each: Package): string {
  return `${displayName(each)} is ${isPresent(each) ? each.version : 'removed'}`;
}

function namesOf(sides: readonly { readonly component: string }[]): string {
  return sides.map(({ component }) => component).join(', ');
}
