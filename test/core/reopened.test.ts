import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { reopened } from '../../lib/core';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a value that is in use is shared', async () => {
  const open = jest.fn(() => Promise.resolve({ some: 'value' }));
  const get = reopened(open);
  const [one, two] = await Promise.all([get(), get()]);
  expect(one).toBe(two);
  expect(await get()).toBe(one);
  expect(open).toHaveBeenCalledTimes(1);
});

test('a value that is at hand is not opened', async () => {
  const value = { some: 'value' };
  expect(await reopened<object>(() => Promise.reject(new Error('no need')), value)()).toBe(value);
});

test('a value out of use leaves memory, and is opened again', async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => (collected += 1));
  let opened = 0;
  const get = reopened(() => {
    const value = { at: (opened += 1), large: new Array<number>(1000).fill(0) };
    registry.register(value, 0);
    return Promise.resolve(value);
  });
  expect((await get()).at).toBe(1);
  for (let attempt = 0; attempt < 50 && collected === 0; attempt += 1) {
    await setImmediate();
    collect();
  }
  expect(collected).toBe(1);
  expect((await get()).at).toBe(2);
});

test('a value that could not be opened is opened when it is asked for again', async () => {
  const answers = [Promise.reject(new Error('not yet')), Promise.resolve({ some: 'value' })];
  const get = reopened(() => answers.shift() ?? Promise.reject(new Error('too often')));
  await expect(get()).rejects.toThrow('not yet');
  expect(await get()).toEqual({ some: 'value' });
});
