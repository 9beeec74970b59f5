import picomatch from 'picomatch';
import { StackError, didYouMean } from '../core';
import { dependenciesOf, order as buildOrder, type Plan } from '../plan';

/** An image that was not asked for, but that something asked for is made of. */
export interface NeededImage {
  readonly path: string;
  /** Construct paths of the images of the selection that use it directly, in build order. */
  readonly neededBy: readonly string[];
}

/** Which images of a plan a command works on. Both lists are in build order: what an image uses comes before it. */
export interface Selection {
  /** Construct paths that were asked for. */
  readonly images: readonly string[];
  readonly dependencies: readonly NeededImage[];
}

/**
 * Finds the images that patterns stand for.
 *
 * A pattern is the construct path, the name or the id of an image, or a glob over construct paths, where `*` stays
 * within a segment and `**` does not. `!PATTERN` leaves out. No pattern, or only such that leave out, means all images.
 * A path wins over a name and a name over an id, so `kernel` never means `boot/kernel` when there is a `kernel`.
 * @throws StackError STACK1004 for every pattern that matches nothing, or when nothing is left.
 */
export function selectImages(plan: Plan, patterns: readonly string[]): Selection {
  const order = buildOrder(plan);
  const problems: string[] = [];
  const find = (pattern: string): readonly string[] => {
    const found = matches(plan, order, pattern);
    if (found.length === 0) problems.push(pattern);
    return found;
  };
  const excluded = new Set(patterns.filter(isExclusion).flatMap((pattern) => find(pattern.slice(1))));
  const wanted = patterns.filter((pattern) => !isExclusion(pattern));
  const included = new Set(wanted.length === 0 ? order : wanted.flatMap(find));
  throwUnmatched(plan, problems);
  const images = order.filter((path) => included.has(path) && !excluded.has(path));
  if (images.length === 0 && order.length > 0) {
    throw new StackError('STACK1004', `nothing is left of the selection ${patterns.join(' ')}`);
  }
  return { images, dependencies: neededImages(plan, order, images) };
}

function isExclusion(pattern: string): boolean {
  return pattern.startsWith('!');
}

function matches(plan: Plan, paths: readonly string[], pattern: string): readonly string[] {
  const exact = [
    paths.filter((path) => path === pattern),
    paths.filter((path) => plan.images[path]?.name === pattern),
    paths.filter((path) => idOf(path) === pattern),
  ].find((found) => found.length > 0);
  if (exact !== undefined) return exact;
  if (!picomatch.scan(pattern).isGlob) return [];
  const matcher = picomatch(pattern, { dot: true, nonegate: true });
  return paths.filter((path) => matcher(path));
}

function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function throwUnmatched(plan: Plan, patterns: readonly string[]): void {
  const [first] = patterns;
  if (first === undefined) return;
  const paths = Object.keys(plan.images).sort();
  const names = paths.flatMap((path) => [path, idOf(path), plan.images[path]?.name ?? path]);
  const meant = [...new Set(patterns.flatMap((pattern) => didYouMean(pattern, names) ?? []))];
  throw new StackError('STACK1004', `no image matches ${patterns.map((pattern) => `'${pattern}'`).join(' or ')}`, {
    hint: meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : unmatchedHint(first, paths),
  });
}

function unmatchedHint(pattern: string, paths: readonly string[]): string {
  const shown = paths.slice(0, 10).join(', ');
  const images = paths.length > 10 ? `${shown} and ${String(paths.length - 10)} more` : shown;
  const deep =
    pattern.includes('*') && !pattern.includes('**') ? '; * stays within one segment of a path, ** crosses them' : '';
  return `images are ${images}${deep}`;
}

function neededImages(plan: Plan, order: readonly string[], selected: readonly string[]): readonly NeededImage[] {
  const users = new Map<string, string[]>();
  const needed = new Set(selected);
  // Users come after what they use, so one pass from the end finds all of them.
  for (const path of [...order].reverse()) {
    const image = plan.images[path];
    if (!needed.has(path) || image === undefined) continue;
    for (const dependency of dependenciesOf(image)) {
      needed.add(dependency);
      users.set(dependency, [path, ...(users.get(dependency) ?? [])]);
    }
  }
  const asked = new Set(selected);
  return order
    .filter((path) => needed.has(path) && !asked.has(path))
    .map((path) => ({ path, neededBy: users.get(path) ?? [] }));
}
