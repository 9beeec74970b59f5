import { setMaxListeners } from 'node:events';
import { forEachParallel } from './parallel';

/** Pieces of work that have a point only together: the first failure breaks off all others, also those of later calls. */
export class JointWork {
  /** For whatever the pieces do: aborted by the first failure, with its error, and from outside. */
  public readonly signal: AbortSignal;
  private readonly stop = new AbortController();

  /** @param outside ends all of it, too */
  public constructor(outside: AbortSignal | undefined) {
    this.signal = outside === undefined ? this.stop.signal : AbortSignal.any([outside, this.stop.signal]);
    setMaxListeners(0, this.signal); // one for each piece under way
  }

  /**
   * Works on all items, at most `limit` at a time, begun in their order.
   * @throws what the first to fail threw
   */
  public async forEach<T>(items: Iterable<T>, limit: number, work: (item: T) => Promise<void>): Promise<void> {
    await forEachParallel(items, limit, async (item) => {
      try {
        await work(item);
      } catch (error) {
        this.stop.abort(error);
        throw error;
      }
    });
  }
}
