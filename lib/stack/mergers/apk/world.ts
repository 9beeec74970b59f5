import type { MergeProblem } from '../merger';
import { mergeRecords, type Records } from '../records';
import { linesOf } from '../lines';
import { listed } from '../settlement';
import { Malformed } from '../malformed';
import { type ParsedVersions } from '../versions';
import { compareAsApk } from './installed';

/**
 * What was asked for, by name of the package: `nginx`, `!dhcpcd`, `zlib>1.2`, `php@edge`. apk has one constraint a name.
 * @throws Malformed
 */
export function parseWorld(content: Buffer): Records<string> {
  const world = new Map<string, string>();
  for (const constraint of linesOf(content).flatMap((line) => line.split(/[ \t]+/))) {
    if (constraint === '') continue;
    const name = /^!?([^!@<>=~]+)/.exec(constraint)?.[1];
    if (name === undefined) throw new Malformed(`'${constraint.slice(0, 80)}' is no constraint`);
    world.set(name, constraint);
  }
  return world;
}

/** Merges the constraints; the solver of apk sorts them by name. */
export function mergeWorld(
  path: string,
  { base, sides }: ParsedVersions<Records<string>>,
): { readonly constraints: readonly string[]; readonly problems: readonly MergeProblem[] } {
  const merged = mergeRecords(
    base,
    sides.map(({ component, value }) => ({ component, records: value })),
    { isSame: (a, b) => a === b },
  );
  const problems = merged.conflicts.map(({ key: name, changes }): MergeProblem => {
    const each = changes.map(
      ({ component, record }) => `${record === undefined ? 'nothing' : `'${record}'`} in ${component}`,
    );
    return {
      code: 'MERGE_CONFLICT',
      path,
      message: `of package '${name}' is asked ${listed(each)}`,
      components: changes.map(({ component }) => component),
      fix: `ask for '${name}' in the same way in all components`,
    };
  });
  const sorted = [...merged.records].sort(([a], [b]) => compareAsApk(a, b));
  return { constraints: sorted.map(([, constraint]) => constraint), problems };
}
