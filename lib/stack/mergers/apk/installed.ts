import { compareNames } from '../../../core';
import type { MergeProblem } from '../merger';
import { mergeRecords, type RecordConflict, type Records } from '../records';
import { linesOf, ofLines } from '../lines';
import { listed } from '../settlement';
import { Malformed } from '../malformed';
import { type ParsedVersions } from '../versions';

/** A package as the database of apk has it. */
export interface InstalledPackage {
  readonly version: string;
  /** `Q1` and the base64 of a sha1: by it the other files know the package. */
  readonly checksum: string;
  /** As they stand there, those about its directories and files among them. */
  readonly lines: readonly string[];
}

/**
 * The packages in `installed`, by name.
 * @throws Malformed
 */
export function parseInstalled(content: Buffer): Records<InstalledPackage> {
  const packages = new Map<string, InstalledPackage>();
  let lines: string[] = [];
  for (const line of [...linesOf(content), '']) {
    if (line !== '') {
      lines.push(line);
      continue;
    }
    if (lines.length === 0) continue;
    const field = (letter: string): string => {
      const values = lines.filter((each) => each.startsWith(`${letter}:`));
      if (values.length !== 1) throw new Malformed(`record ${String(packages.size + 1)} has not one '${letter}:'`);
      return values[0]?.slice(2) ?? '';
    };
    const name = field('P');
    if (packages.has(name)) throw new Malformed(`package '${name}' stands there twice`);
    packages.set(name, { version: field('V'), checksum: field('C'), lines });
    lines = [];
  }
  return packages;
}

/** The file with these packages. */
export function formatInstalled(packages: Records<InstalledPackage>): Buffer {
  return ofLines([...packages.values()].flatMap(({ lines }) => [...lines, '']));
}

/**
 * Merges the packages, in the order that apk would write them: sorted by name since apk-tools 2.14, by installation before.
 * Which one it is shows in the files.
 */
export function mergeInstalled(
  path: string,
  { base, sides }: ParsedVersions<Records<InstalledPackage>>,
): { readonly packages: Records<InstalledPackage>; readonly problems: readonly MergeProblem[] } {
  const merged = mergeRecords(
    base,
    sides.map(({ component, value }) => ({ component, records: value })),
    {
      isSame: (a, b) => a.lines.length === b.lines.length && a.lines.every((line, at) => line === b.lines[at]),
    },
  );
  const isSorted = [base, ...sides.map(({ value }) => value)].every((each) => isInOrder([...each.keys()]));
  const packages = isSorted ? new Map([...merged.records].sort(([a], [b]) => compareAsApk(a, b))) : merged.records;
  return { packages, problems: merged.conflicts.map((conflict) => problemOf(path, conflict)) };
}

function problemOf(path: string, { key: name, changes }: RecordConflict<InstalledPackage>): MergeProblem {
  const components = changes.map(({ component }) => component);
  const versions = new Set(changes.map(({ record }) => record?.version));
  if (versions.has(undefined)) {
    return {
      code: 'MERGE_CONFLICT',
      path,
      message: `package '${name}' is removed by one component and changed by another one`,
      components,
      fix: `remove '${name}' from all components, or from none`,
    };
  }
  if (versions.size > 1) {
    const each = changes.map(({ component, record }) => `${record?.version ?? ''} in ${component}`);
    return {
      code: 'PKG_VERSION_CONFLICT',
      path,
      message: `package '${name}' has version ${listed(each)}`,
      components,
      fix: `install one version of '${name}' in all components, or put it into a layer below that they share`,
    };
  }
  return {
    code: 'MERGE_CONFLICT',
    path,
    message: `package '${name}' has the same version, but different records`,
    components,
    fix: `put '${name}' into a layer below that the components share`,
  };
}

function isInOrder(names: readonly string[]): boolean {
  return names.every((name, at) => at === 0 || compareAsApk(names[at - 1] ?? '', name) <= 0);
}

/** As apk sorts what it writes: letters first without their case. */
export function compareAsApk(a: string, b: string): number {
  const lower = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return compareNames(lower(a), lower(b)) || compareNames(a, b);
}
