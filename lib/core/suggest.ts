import { closest, distance } from 'fastest-levenshtein';

/**
 * The candidate a mistyped word most likely meant; undefined when none is near.
 * Near is at most a third of the word's letters wrong, and always at least one.
 */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const nearest = closest(
    word.toLowerCase(),
    candidates.map((candidate) => candidate.toLowerCase()),
  );
  const candidate = candidates.find((each) => each.toLowerCase() === nearest);
  const limit = Math.max(1, Math.floor(word.length / 3));
  return candidate !== undefined && distance(word.toLowerCase(), nearest) <= limit ? candidate : undefined;
}
