import { setMaxListeners } from 'node:events';

/**
 * Works on all items, at most `limit` at a time, begun in their order. When one fails no further one is begun; those in
 * work are waited for.
 * @throws what the first to fail threw
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failure !== undefined) throw failure.error;
}

/**
 * As {@link forEachParallel}, but what is in work when one fails is broken off, through the signal that it gets.
 * @param signal ends all of it, too
 */
export async function forEachUntilFailure<T>(
  items: Iterable<T>,
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, either); // one for each in work
  await forEachParallel(items, limit, async (item) => {
    try {
      await work(item, either);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
}
