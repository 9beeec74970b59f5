import dockerignore from '@balena/dockerignore';
import { messageOf, StackError } from '../core';
import { ancestorsOf } from '../pack';

/**
 * Tells which paths patterns exclude. They are written as in a .dockerignore file: a directory goes with its content, `**`
 * stands for any number of directories, `!` takes back, the last match counts. A leading slash changes nothing.
 *
 * @returns a function over paths without leading slash; the root itself is never excluded
 * @throws StackError STACK2006 for a pattern that cannot be understood
 */
export function excludeFilter(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  for (const pattern of patterns) check(pattern);
  const ignore = matcher(patterns);
  return (path) => path !== '' && ignore.ignores(path);
}

/** Whether something below an excluded directory may not be excluded. */
export function takesBack(patterns: readonly string[]): boolean {
  return patterns.some((pattern) => pattern.trim().startsWith('!'));
}

/** Leaves out what patterns exclude; an excluded directory stays where something below it stays. */
export function withoutExcluded<T extends { readonly path: string }>(
  entries: readonly T[],
  patterns: readonly string[],
): readonly T[] {
  const isExcluded = excludeFilter(patterns);
  const excluded = new Set(entries.filter(({ path }) => isExcluded(path)));
  if (excluded.size === 0) return entries;
  const needed = new Set(entries.flatMap((entry) => (excluded.has(entry) ? [] : ancestorsOf(entry.path))));
  return entries.filter((entry) => !excluded.has(entry) || needed.has(entry.path));
}

function matcher(patterns: readonly string[]): ReturnType<typeof dockerignore> {
  return dockerignore({ ignorecase: false }).add([...patterns]); // image paths tell upper from lower case
}

function check(pattern: string): void {
  try {
    matcher([pattern]).ignores('any'); // patterns are compiled when they are first used
  } catch (error) {
    throw new StackError('STACK2006', `'${pattern}' is not a pattern for 'exclude': ${messageOf(error)}`, {
      hint: 'write it as in a .dockerignore file, with a backslash before characters that stand for themselves',
      cause: error,
    });
  }
}
