/** What tests look at of a request. */
interface Request {
  readonly method: string;
  readonly path: string;
}

/** Numbers of requests by method. */
export function countOf(log: readonly Request[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method } of log) counts[method] = (counts[method] ?? 0) + 1;
  return counts;
}

/** Without the second looks at tags, of which there are some where publishing takes more than five seconds. */
export function withoutSecondLooks<T extends Request>(log: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  return log.filter(({ method, path }) => {
    const isNew = method !== 'HEAD' || !seen.has(path);
    seen.add(path);
    return isNew;
  });
}
