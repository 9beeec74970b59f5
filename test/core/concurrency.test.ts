import { setTimeout as sleep } from 'node:timers/promises';
import { forEachParallel, JointWork, mapParallel, Semaphore } from '../../lib/core';

describe('Semaphore', () => {
  test('runs as many as it may at a time, in order of arrival, and gives their results', async () => {
    const room = new Semaphore(2);
    const begun: number[] = [];
    let running = 0;
    const results = [1, 2, 3, 4, 5].map((number) =>
      room.run(async () => {
        begun.push(number);
        running += 1;
        expect(running).toBeLessThanOrEqual(2);
        await sleep(2);
        running -= 1;
        return number * 10;
      }),
    );
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40, 50]);
    expect(begun).toEqual([1, 2, 3, 4, 5]);
  });

  test('goes on after work that failed', async () => {
    const room = new Semaphore(1);
    const failed = room.run(() => Promise.reject(new Error('no luck')));
    const next = room.run(() => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('no luck');
    expect(await next).toBe('next');
    expect(await room.run(() => Promise.resolve('again'))).toBe('again');
  });
});

describe('forEachParallel', () => {
  test('works on every item, at most so many at a time', async () => {
    let running = 0;
    const done: number[] = [];
    await forEachParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      expect(running).toBeLessThanOrEqual(3);
      await sleep(1);
      running -= 1;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('begins nothing after a failure, waits for what is under way and reports the first', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = forEachParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await sleep(item === 1 ? 1 : 20);
      if (item === 1) throw new Error('the first');
      ended.push(item);
      throw new Error('a later one');
    });
    await expect(work).rejects.toThrow('the first');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });

  test('does nothing for no items', async () => {
    await expect(forEachParallel([], 4, () => Promise.reject(new Error('never')))).resolves.toBeUndefined();
  });
});

describe('JointWork', () => {
  test('what is in work is broken off by the first failure, which is what is thrown', async () => {
    const reasons: unknown[] = [];
    const joint = new JointWork(undefined);
    const { signal } = joint;
    const work = async (item: number): Promise<void> => {
      if (item === 2) throw new Error('two');
      await sleep(60_000, undefined, { signal }).catch((error: unknown) => {
        reasons.push(signal.reason);
        throw error;
      });
    };
    await expect(joint.forEach([1, 2, 3], 3, work)).rejects.toThrow('two');
    expect(reasons).toEqual([new Error('two'), new Error('two')]);
  });

  test('a signal from outside ends all of it', async () => {
    const outside = new AbortController();
    const joint = new JointWork(outside.signal);
    const all = joint.forEach([1, 2], 2, () => sleep(60_000, undefined, { signal: joint.signal }));
    outside.abort(new Error('enough'));
    await expect(all).rejects.toMatchObject({ cause: new Error('enough') });
  });
});

test('mapParallel gives what work makes of each item, in their order', async () => {
  const slowerFirst = async (item: number): Promise<string> => {
    await sleep(8 - item * 2);
    return String(item);
  };
  expect(await mapParallel([1, 2, 3, 4], 3, slowerFirst)).toEqual(['1', '2', '3', '4']);
});
