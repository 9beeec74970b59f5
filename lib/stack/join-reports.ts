import { StackError } from '../core';
import type { Conflict, ConflictCount, ConflictReport } from './conflict-report';

/**
 * Joins what was found in the formats of one combination, whose layers may differ in what they say of directories. What is in
 * several of them counts once.
 */
export function joinReports(reports: readonly ConflictReport[]): ConflictReport {
  const [first, ...others] = reports;
  if (first === undefined) throw new StackError('STACK9001', 'there is no report to join');
  return others.reduce(join, first);
}

function join(a: ConflictReport, b: ConflictReport): ConflictReport {
  return {
    conflicts: united(a.conflicts, b.conflicts, nameOf),
    counts: countsOf([...a.counts, ...b.counts]),
    settled: united(a.settled, b.settled, ({ path, by }) => `${by} ${path}`),
    settledCount: Math.max(a.settledCount, b.settledCount),
  };
}

function united<T>(a: readonly T[], b: readonly T[], name: (each: T) => string): readonly T[] {
  const known = new Set(a.map(name));
  return [...a, ...b.filter((each) => !known.has(name(each)))];
}

function nameOf({ code, severity, path, owners }: Conflict): string {
  return [code, severity, path, ...owners.map(({ component }) => component)].join('\0');
}

function countsOf(counts: readonly ConflictCount[]): readonly ConflictCount[] {
  const most = new Map<string, ConflictCount>();
  for (const each of counts) {
    const name = `${each.code} ${each.severity}`;
    if ((most.get(name)?.count ?? 0) < each.count) most.set(name, each);
  }
  return [...most.values()];
}
