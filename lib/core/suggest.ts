import type * as levenshtein from 'fastest-levenshtein';

/**
 * The candidate a mistyped word most likely meant; undefined when none is near.
 * Near is at most a third of the word's letters wrong, and always at least one.
 */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only mistakes need it
  const { closest, distance } = require('fastest-levenshtein') as typeof levenshtein;
  const nearest = closest(
    word.toLowerCase(),
    candidates.map((candidate) => candidate.toLowerCase()),
  );
  const candidate = candidates.find((each) => each.toLowerCase() === nearest);
  const swapped = candidates.find((each) => isSwapOf(word.toLowerCase(), each.toLowerCase()));
  if (swapped !== undefined) return swapped;
  const limit = Math.max(1, Math.floor(word.length / 3));
  return candidate !== undefined && distance(word.toLowerCase(), nearest) <= limit ? candidate : undefined;
}

/** Reports whether two neighbouring letters of a word changed places, the most frequent slip of short words. */
function isSwapOf(word: string, candidate: string): boolean {
  const at = [...word].findIndex((letter, index) => letter !== candidate[index]);
  if (at === -1 || word.length !== candidate.length) return false;
  return word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2) === candidate;
}
