import pc from 'picocolors';
import { collectionText } from '../../../lib/cli/render/collection';
import type { GcResult } from '../../../lib/toolkit';

const style = { colors: pc.createColors(false) } as Parameters<typeof collectionText>[2];

const NOTHING: GcResult = {
  store: '/store/v1',
  removed: [],
  leftoverBytes: 0,
  bytesRemoved: 0,
  itemsKept: 3,
  bytesKept: 1500,
};

const SOME: GcResult = {
  ...NOTHING,
  removed: [
    { kind: 'blob', name: 'sha256:ab', bytes: 1_234_567, lastUsed: '2024-05-06T07:08:09.000Z' },
    { kind: 'record', name: 'records/packs/cd.json', bytes: 99, lastUsed: '2024-05-07T00:00:00.000Z' },
  ],
  leftoverBytes: 5,
  bytesRemoved: 1_234_671,
};

describe('what a collection did', () => {
  test('is a sentence', () => {
    expect(collectionText(NOTHING, false, style)).toBe('nothing to remove: 3 items of 1.5 kB stay in /store/v1\n');
    expect(collectionText(SOME, false, style)).toBe(
      '2 items of 1.2 MB removed, with 5 B that killed processes left; 3 items of 1.5 kB stay in /store/v1\n',
    );
  });

  test('is for a dry run a list of everything that would go, in bytes', () => {
    expect(collectionText(SOME, true, style).split('\n')).toEqual([
      'kind         bytes  last used (UTC)   name',
      'blob       1234567  2024-05-06 07:08  sha256:ab',
      'record          99  2024-05-07 00:00  records/packs/cd.json',
      'leftovers        5',
      '',
      'dry run: 2 items of 1.2 MB would be removed, with 5 B that killed processes left; 3 items of 1.5 kB would stay in /store/v1',
      '',
    ]);
  });
});
