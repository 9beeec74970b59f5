import { compareNames } from '../../../core';
import type { MergeProblem } from '../merger';
import { mergeSets } from '../records';
import { linesOf } from '../lines';
import { listed } from '../settlement';
import { Malformed } from '../malformed';
import { type ParsedVersions } from '../versions';
import { filesWhere, type Owners } from './id-collisions';

/** Ranges of ids that users may give to their containers: subuid(5), subgid(5). */
export const SUBORDINATE_IDS = [
  { path: 'etc/subuid', kind: 'uid' },
  { path: 'etc/subgid', kind: 'gid' },
] as const;

interface Range {
  readonly line: string;
  readonly name: string;
  readonly first: number;
  readonly end: number;
}

/**
 * The lines of such a file.
 * @throws Malformed
 */
export function parseSubordinateIds(content: Buffer): ReadonlySet<string> {
  const lines = new Set(linesOf(content));
  for (const line of lines) rangeOf(line);
  return lines;
}

function rangeOf(line: string): Range | undefined {
  if (/^(#|$)/.test(line)) return undefined;
  const [, name, first, count] = /^([^:]+):(\d{1,10}):(\d{1,10})$/.exec(line) ?? [];
  if (name === undefined) throw new Malformed(`'${line.slice(0, 80)}' is no range of ids`);
  return { line, name, first: Number(first), end: Number(first) + Number(count) };
}

/** Merges the lines, and finds ranges of two users that overlap, unless the base or a component has it so itself. */
export function mergeSubordinateIds(
  { path, kind }: (typeof SUBORDINATE_IDS)[number],
  { base, sides }: ParsedVersions<ReadonlySet<string>>,
  owners: Owners,
): { readonly lines: ReadonlySet<string>; readonly problems: readonly MergeProblem[] } {
  const lines = mergeSets(
    base,
    sides.map(({ value }) => value),
  );
  const ranges = [...lines].flatMap((line) => rangeOf(line) ?? []).sort((a, b) => a.first - b.first);
  const problems: MergeProblem[] = [];
  let last: Range | undefined;
  for (const range of ranges) {
    const other = last;
    if (other === undefined || range.end > other.end) last = range;
    if (other === undefined || range.first >= other.end || range.name === other.name) continue;
    if ([base, ...sides.map(({ value }) => value)].some((all) => all.has(range.line) && all.has(other.line))) continue;
    const names = [range.name, other.name].sort(compareNames).map((name) => `'${name}'`);
    problems.push({
      code: 'ID_COLLISION',
      path,
      message: `the subordinate ids of ${listed(names)} overlap from ${String(range.first)} on`,
      components: sides
        .filter(({ value }) => [range, other].some(({ line }) => value.has(line) && !base.has(line)))
        .map(({ component }) => component),
      files: filesWhere(
        owners,
        (entry) => entry[kind] >= range.first && entry[kind] < Math.min(range.end, other.end),
        kind,
      ),
      fix: 'give the users ranges that do not overlap, for instance by `usermod --add-subuids` and `--add-subgids`',
    });
  }
  return { lines, problems };
}
