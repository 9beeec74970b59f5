import { isUtf8 } from 'node:buffer';
import { diff3Merge } from 'node-diff3';
import type { Files, Merger } from './merger';
import { type Settlement } from './settlement';
import { mergeEach, type Versions } from './versions';

/** Larger files are not for people, and are not merged by lines. */
const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 20_000;

/**
 * Steps that the comparison of two versions may take. It looks at each pair of equal lines, and each time along the longest
 * common part so far, so that a crafted file could keep it busy for hours; this many take seconds.
 */
const MAX_STEPS = 1_000_000_000;

const FIX = 'change it in one component only or in a layer below that they share, or let one win by a conflict rule';

/**
 * Texts that the shared base has, too: by lines. Where components change the same place, or places side by side, that is an
 * error; marks of a conflict are never written. Asked last, for files that no other merger knows; what is no text, or has no
 * ancestor, is left to whoever reads of the conflict.
 */
export const text: Merger = {
  name: 'text',
  version: 1,
  paths: ['/**'],
  isPathwise: true,
  merge: (request) => {
    const views = [request.base, ...request.components.map(({ files }) => files)];
    const isSmallFile = (path: string): boolean => views.every((files) => sizeOf(files, path) <= MAX_BYTES);
    return mergeEach({ ...request, paths: request.paths.filter(isSmallFile) }, mergeText);
  },
};

/** Bytes of a file; infinite for what is none. */
function sizeOf(files: Files, path: string): number {
  const entry = files.get(path);
  const file = entry?.type === 'hardlink' ? files.get(entry.target) : entry;
  return file?.type === 'file' ? file.size : Infinity;
}

type Lines = readonly string[];

function mergeText({ path, base, changed }: Versions, into: Settlement): void {
  const components = changed.map(({ component }) => component);
  const ancestor = base && linesOf(base);
  const sides = changed.flatMap(({ component, content }) => {
    const lines = linesOf(content);
    return lines === undefined ? [] : [{ component, lines }];
  });
  const [first, ...others] = sides;
  if (ancestor === undefined || first === undefined || sides.length < changed.length) return;
  let { lines: made } = first;
  const done = [first];
  for (const side of others) {
    const merged = mergeLines(ancestor, made, side.lines);
    if (merged === undefined) {
      into.notMergeable(path, 'its lines are too many, and too much alike, to be compared', components, FIX);
      return;
    }
    if ('conflict' in merged) {
      const culprits = done.filter(({ lines }) => 'conflict' in (mergeLines(ancestor, lines, side.lines) ?? {}));
      into.conflict(
        path,
        `components change the same place, line ${String(merged.conflict)} of their base's file`,
        [...(culprits.length > 0 ? culprits : done), side].map(({ component }) => component),
        FIX,
      );
      return;
    }
    made = merged.lines;
    done.push(side);
  }
  into.write(path, Buffer.from(made.join(''), 'latin1'));
}

/** Lines with their ends, of bytes as latin1; undefined for what is no text, or too much. */
function linesOf(content: Buffer): Lines | undefined {
  if (content.length > MAX_BYTES || !isUtf8(content) || content.includes(0)) return undefined;
  const lines = content.toString('latin1').split(/(?<=\n)/);
  return lines.length > MAX_LINES ? undefined : lines;
}

/** What two versions are together, or the first line of the ancestor at which they contradict each other, from 1. */
function mergeLines(
  ancestor: Lines,
  a: Lines,
  b: Lines,
): { readonly lines: Lines } | { readonly conflict: number } | undefined {
  const all = [ancestor, a, b];
  const shortest = Math.min(...all.map(({ length }) => length));
  let head = 0;
  while (head < shortest && all.every((lines) => lines[head] === ancestor[head])) head += 1;
  let tail = 0;
  while (tail < shortest - head && all.every((lines) => lines.at(-1 - tail) === ancestor.at(-1 - tail))) tail += 1;
  const [o, left, right] = all.map((lines) => lines.slice(head, lines.length - tail));
  if (o === undefined || left === undefined || right === undefined) return undefined;
  if (stepsOf(o, left) + stepsOf(o, right) > MAX_STEPS) return undefined;
  const lines = ancestor.slice(0, head);
  for (const { ok, conflict } of diff3Merge([...left], [...o], [...right], { excludeFalseConflicts: true })) {
    if (conflict !== undefined) return { conflict: head + conflict.oIndex + 1 };
    lines.push(...(ok ?? []));
  }
  return { lines: [...lines, ...ancestor.slice(ancestor.length - tail)] };
}

/** At most how many steps the comparison of two versions takes. */
function stepsOf(a: Lines, b: Lines): number {
  const counts = new Map<string, number>();
  for (const line of b) counts.set(line, (counts.get(line) ?? 0) + 1);
  return a.reduce((sum, line) => sum + (counts.get(line) ?? 0), 0) * Math.min(a.length, b.length);
}
