import { digestOf } from '../../lib/oci';
import { indexLine, PathList, sortTree, type Entry } from '../../lib/pack';
import { Combination, findConflicts, type Conflict, type Findings } from '../../lib/stack';
import type { ConflictsPlan } from '../../lib/plan';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 5 };

export function file(path: string, text = path, changes: object = {}): Entry {
  const content = { kind: 'bytes', bytes: Buffer.from(text) } as const;
  return { type: 'file', path, ...METADATA, size: text.length, sha256: digestOf(text).slice(7), content, ...changes };
}

export function directory(path: string, changes: object = {}): Entry {
  return { type: 'directory', path, ...METADATA, mode: 0o755, ...changes };
}

export function link(path: string, target: string): Entry {
  return { type: 'symlink', path, ...METADATA, mode: 0o777, target };
}

export function hardlink(path: string, target: string): Entry {
  return { type: 'hardlink', path, ...METADATA, target };
}

export function device(path: string, minor = 1): Entry {
  return { type: 'char', path, ...METADATA, major: 1, minor };
}

export function whiteout(path: string): Entry {
  return { type: 'whiteout', path };
}

export function opaque(path: string): Entry {
  return directory(path, { opaque: true });
}

export function listOf(entries: readonly Entry[]): PathList {
  const lines = sortTree(entries).map((entry) => indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined));
  return PathList.parse(Buffer.from(lines.map((line) => `${line}\n`).join('')));
}

/** Layers by name, bottom to top; a component has those whose names have its letter: `ab` is a layer of both a and b. */
export function combine(layers: Readonly<Record<string, readonly Entry[]>>): Combination {
  const names = Object.keys(layers);
  const letters = [...new Set(names.flatMap((name) => name.replace(/\d/g, '').split('')))].sort();
  return new Combination(
    Object.entries(layers).map(([key, entries]) => ({ key, createdBy: `layer ${key}`, list: listOf(entries) })),
    letters.map((name) => ({ name, layers: names.filter((each) => each.includes(name)) })),
  );
}

/** What is found, with mergers that are for some globs. */
export function findingsOf(
  layers: Readonly<Record<string, readonly Entry[]>>,
  rules?: ConflictsPlan,
  mergers: readonly (readonly string[])[] = [],
): Findings {
  return findConflicts(combine(layers), { rules, mergers });
}

export function conflictsOf(
  layers: Readonly<Record<string, readonly Entry[]>>,
  rules?: ConflictsPlan,
): readonly Conflict[] {
  return findingsOf(layers, rules).report.build().conflicts;
}

/** Findings in short: `error CONTENT_CONFLICT /x`; `merge /x by 0 1`, the numbers of the mergers; `repair /x`. */
export function shortOf(
  layers: Readonly<Record<string, readonly Entry[]>>,
  rules?: ConflictsPlan,
  ...mergers: readonly (readonly string[])[]
): string[] {
  const { report, claims, restorations } = findingsOf(layers, rules, mergers);
  return [
    ...report.build().conflicts.map(({ severity, code, path }) => `${severity} ${code} ${path}`),
    ...[...claims.values()].map((claim) => `merge /${claim.path} by ${claim.mergers.join(' ')}`),
    ...[...restorations.values()].map(
      ({ by, path, place }) => `${by}${place === undefined ? ', removal' : ''} /${path}`,
    ),
  ];
}
