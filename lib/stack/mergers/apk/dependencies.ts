import type { MergeProblem } from '../merger';
import type { Records } from '../records';
import { listed } from '../settlement';
import type { ParsedVersions } from '../versions';
import type { InstalledPackage } from './installed';

/**
 * Finds what packages need (`D:`), or must not meet, in vain since they were stacked, as apk names it: a package or something
 * that one provides (`p:`), such as `so:libssl.so.3`. Versions are not compared: all components have one of each package. What no
 * component had either was so before, and is not told.
 */
export function findBroken(
  path: string,
  packages: Records<InstalledPackage>,
  sides: ParsedVersions<Records<InstalledPackage>>['sides'],
): readonly MergeProblem[] {
  const together = providersOf(packages);
  const apart = sides.map(({ component, value }) => ({ component, records: value, providers: providersOf(value) }));
  const problems: MergeProblem[] = [];
  for (const [name, each] of packages) {
    for (const need of needsOf(each)) {
      if (isMet(need, name, together)) continue;
      const sound = apart.filter(({ records, providers }) => records.has(name) && isMet(need, name, providers));
      if (sound.length > 0) problems.push(problemOf(path, name, need, sound, sides));
    }
  }
  return problems;
}

/** A word of `D:`. */
interface Need {
  readonly text: string;
  readonly name: string;
  readonly isForbidding: boolean;
}

function needsOf(each: InstalledPackage): readonly Need[] {
  return wordsOf(each, 'D:').map((text) => ({ text, name: nameIn(text), isForbidding: text.startsWith('!') }));
}

/** Packages by what they are called and provide. */
function providersOf(packages: Records<InstalledPackage>): ReadonlyMap<string, ReadonlySet<string>> {
  const providers = new Map<string, Set<string>>();
  for (const [name, each] of packages) {
    for (const provided of [name, ...wordsOf(each, 'p:').map(nameIn)]) {
      providers.set(provided, (providers.get(provided) ?? new Set()).add(name));
    }
  }
  return providers;
}

/** A package may forbid what it provides itself. */
function isMet(need: Need, name: string, providers: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const found = [...(providers.get(need.name) ?? [])];
  return need.isForbidding ? found.every((each) => each === name) : found.length > 0;
}

function wordsOf({ lines }: InstalledPackage, field: string): readonly string[] {
  return lines
    .filter((line) => line.startsWith(field))
    .flatMap((line) => line.slice(field.length).split(' '))
    .filter((word) => word !== '');
}

/** Without a `!` before and a version behind. */
function nameIn(word: string): string {
  return word.replace(/^!/, '').replace(/[<>=~@].*$/, '');
}

function problemOf(
  path: string,
  name: string,
  need: Need,
  sound: readonly { readonly component: string }[],
  sides: readonly { readonly component: string }[],
): MergeProblem {
  const having = sound.map(({ component }) => component);
  const others = sides.map(({ component }) => component).filter((component) => !having.includes(component));
  const where = others.length === 0 ? '' : ` in ${listed(others)}`;
  return {
    code: 'DEP_BROKEN',
    path,
    message: need.isForbidding
      ? `'${name}' of ${listed(having)} does not go with '${need.name}'${where}`
      : `'${name}' of ${listed(having)} needs '${need.text}', which is removed${where}`,
    components: sides.map(({ component }) => component),
    fix: need.isForbidding
      ? `leave '${name}', or what it does not go with, out of one of them`
      : `install what '${name}' needs in the base that the components share`,
  };
}
