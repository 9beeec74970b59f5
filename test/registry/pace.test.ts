import { RequestFailure } from '../../lib/registry/failure';
import { HostLanes } from '../../lib/registry/lane';
import { backoff, parseRetryAfter, retrying } from '../../lib/registry/retry';

const policy = { attempts: 4, minDelay: 100, maxDelay: 500 };

test('the pause doubles up to a limit, with chance between half and all of it', () => {
  const all = [0, 1, 2, 3, 9].map((attempt) => [backoff(policy, attempt, () => 0), backoff(policy, attempt, () => 1)]);

  expect(all).toEqual([
    [50, 100],
    [100, 200],
    [200, 400],
    [250, 500],
    [250, 500],
  ]);
});

test.each([
  ['3', 3000],
  ['0', 0],
  ['86400', 60_000],
  ['Tue, 24 Nov 2026 08:00:10 GMT', 10_000],
  ['Tue, 24 Nov 2026 07:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s is %s ms', (text, expected) => {
  expect(parseRetryAfter(text, Date.parse('2026-11-24T08:00:00Z'))).toBe(expected);
});

test('only what may pass is tried again, and not without end', async () => {
  const tries = async (isTransient: boolean): Promise<number> => {
    let count = 0;
    const work = (): Promise<never> => {
      count += 1;
      return Promise.reject(new RequestFailure('STACK6112', 'it fails', { isTransient }));
    };
    await expect(retrying({ ...policy, minDelay: 1 }, undefined, () => undefined, work)).rejects.toThrow('it fails');
    return count;
  };

  expect(await tries(true)).toBe(4);
  expect(await tries(false)).toBe(1);
});

test('a wait ends with the reason of who cancels it', async () => {
  const controller = new AbortController();
  const fail = (): Promise<never> =>
    Promise.reject(new RequestFailure('STACK6112', 'x', { isTransient: true, retryAfter: 60_000 }));
  const waiting = retrying(policy, controller.signal, () => undefined, fail);
  controller.abort(new Error('enough'));

  await expect(waiting).rejects.toThrow('enough');
});

/** Most pieces of work of one kind that ran at a time. */
async function mostAtATime(lanes: HostLanes, kind: 'small' | 'large', pieces: number): Promise<number> {
  let [running, most] = [0, 0];
  const work = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running -= 1;
  };
  await Promise.all(Array.from({ length: pieces }, () => lanes.run(kind, undefined, work)));
  return most;
}

test('each lane has its own limit, which is halved when the host wants fewer requests and comes back slowly', async () => {
  const lanes = new HostLanes({ small: 8, large: 2 });
  expect(await mostAtATime(lanes, 'small', 30)).toBe(8);
  expect(await mostAtATime(lanes, 'large', 10)).toBe(2);

  lanes.slowDown(1);
  lanes.slowDown(1); // the same news
  expect([lanes.limit('small'), lanes.limit('large')]).toEqual([4, 1]);

  await mostAtATime(lanes, 'small', 5);
  expect(lanes.limit('small')).toBe(5);
  await mostAtATime(lanes, 'small', 50);
  expect(lanes.limit('small')).toBe(8);
});

test('nothing is begun while the host wants a pause', async () => {
  const lanes = new HostLanes({ small: 8, large: 2 });
  const before = Date.now();
  lanes.slowDown(60);

  await lanes.run('large', undefined, () => Promise.resolve());

  expect(Date.now() - before).toBeGreaterThanOrEqual(59);
});
