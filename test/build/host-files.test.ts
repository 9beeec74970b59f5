import * as fs from 'node:fs';
import * as path from 'node:path';
import type { BuildContext } from '../../lib/build';
import { hashFile } from '../../lib/build/host-files';
import { digestOf } from '../../lib/oci';
import { identityOf, type FileIdentity } from '../../lib/pack';
import { failureOf } from '../failure';
import { Workshop } from './workshop';

let shop: Workshop;
const SHA = 'a'.repeat(64);

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => {
  shop.remove();
});

function identity(name: string): FileIdentity {
  return identityOf(fs.statSync(shop.path(name), { bigint: true }));
}

/** Learns the hash of a file in one build, and asks for it in the next. */
async function learnAndRecall(
  name: string,
  between: (context: BuildContext) => unknown = () => undefined,
): Promise<string | undefined> {
  const context = await shop.context();
  context.hostFiles.learn(shop.path(name), identity(name), SHA);
  await between(context);
  await context.hostFiles.save();
  return (await shop.context()).hostFiles.recall(shop.path(name), identity(name));
}

describe('the memory of hashes', () => {
  test('lasts from one build to the next', async () => {
    shop.write({ f: 'F' });
    expect(await learnAndRecall('f')).toBe(SHA);
  });

  test.each([
    ['its content', () => shop.write({ f: 'G' })],
    ['its size', () => fs.appendFileSync(shop.path('f'), 'x')],
    ['its time', () => fs.utimesSync(shop.path('f'), 1, 1)],
    ['its mode', () => fs.chmodSync(shop.path('f'), 0o600)],
    [
      'the file itself, by one with the same time and size',
      () => {
        const { atime, mtime } = fs.statSync(shop.path('f'));
        fs.writeFileSync(shop.path('g'), 'G');
        fs.utimesSync(shop.path('g'), atime, mtime);
        fs.renameSync(shop.path('g'), shop.path('f'));
      },
    ],
  ])('forgets a file when something changes %s', async (_, change) => {
    shop.write({ f: 'F' });
    expect(await learnAndRecall('f', change)).toBeUndefined();
  });

  test('does not take in what was written while the build began: it may change again unseen', async () => {
    shop.write({ f: 'F' });
    shop.lookNow();
    expect(await learnAndRecall('f')).toBeUndefined();
  });

  test('nor what is from the future', async () => {
    shop.write({ f: 'F' });
    const future = new Date(Date.now() + 3_600_000);
    fs.utimesSync(shop.path('f'), future, future);
    expect(await learnAndRecall('f')).toBeUndefined();
  });

  test('nor what only looks old', async () => {
    shop.write({ f: 'F' });
    shop.lookNow();
    fs.utimesSync(shop.path('f'), 1, 1);
    expect(await learnAndRecall('f')).toBeUndefined();
  });

  test('keeps what a build of other images has not used, except files that are gone', async () => {
    shop.write({ a: 'A', b: 'B', gone: 'G' });
    const first = await shop.context();
    for (const name of ['a', 'gone']) first.hostFiles.learn(shop.path(name), identity(name), SHA);
    await first.hostFiles.save();
    fs.rmSync(shop.path('gone'));
    expect(await learnAndRecall('b')).toBe(SHA);
    const { hostFiles, store } = await shop.context();
    expect(hostFiles.recall(shop.path('a'), identity('a'))).toBe(SHA);
    const record = await store.readRecord('host-files', digestOf(shop.directory));
    expect(Object.keys(record as object).map((file) => path.basename(file))).toEqual(['a', 'b']);
  });

  test('is not written when nothing was learned', async () => {
    shop.write({ f: 'F' });
    await learnAndRecall('f');
    const { hostFiles, store } = await shop.context();
    hostFiles.recall(shop.path('f'), identity('f'));
    const write = jest.spyOn(store, 'writeRecord');
    await hostFiles.save();
    expect(write).not.toHaveBeenCalled();
  });

  test.each([null, 1, 'x', [], { '/f': null }, { '/f': ['x'] }, { '/f': [1, SHA] }, { '/f': ['x', 'no hash'] }])(
    'starts afresh when it is damaged: %j',
    async (record) => {
      shop.write({ f: 'F' });
      const { store } = await shop.context();
      await store.writeRecord('host-files', digestOf(shop.directory), record);
      const { hostFiles } = await shop.context();
      expect(hostFiles.recall('/f', identity('f'))).toBeUndefined();
      expect(await learnAndRecall('f')).toBe(SHA);
    },
  );
});

describe('hashFile', () => {
  test('gives the sha256 of a file', async () => {
    shop.write({ f: Buffer.alloc(3_000_000, 'x') });
    expect(`sha256:${await hashFile(shop.path('f'))}`).toBe(digestOf(Buffer.alloc(3_000_000, 'x')));
  });

  test('says which file it cannot read', async () => {
    expect(await failureOf(hashFile(shop.path('missing')))).toMatchObject({
      code: 'STACK3003',
      message: expect.stringContaining(shop.path('missing')) as string,
    });
  });
});
