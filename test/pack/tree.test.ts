import fc from 'fast-check';
import { bytesToName, nameToBytes } from '../../lib/core';
import { addAncestors, ancestorsOf, hardlinkTo, parentOf, plainDirectory, sortTree, type Entry } from '../../lib/pack';
import { bytesFile, listing } from './fixture';

const link = (path: string, target: string): Entry => hardlinkTo(bytesFile(target, ''), path, target);

describe('paths', () => {
  test.each([
    ['', '', []],
    ['a', '', []],
    ['a/b', 'a', ['a']],
    ['a/b/c', 'a/b', ['a', 'a/b']],
  ])('what is above "%s"', (path, parent, ancestors) => {
    expect(parentOf(path)).toBe(parent);
    expect(ancestorsOf(path)).toEqual(ancestors);
    const known = new Set<string>();
    addAncestors(known, path);
    expect([...known].sort()).toEqual(ancestors);
  });

  test('adding ancestors stops at those that are known', () => {
    const known = new Set(['a/b']);
    addAncestors(known, 'a/b/c/d');
    expect([...known]).toEqual(['a/b', 'a/b/c']);
  });

  test('a plain directory is what mkdir makes', () => {
    expect(plainDirectory('a', 5)).toEqual({ type: 'directory', path: 'a', mode: 0o755, uid: 0, gid: 0, mtime: 5 });
  });
});

describe('a sorted tree', () => {
  test('is in order of the bytes, whatever the characters', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((each) => bytesToName(Buffer.from(each)));
    const names = fc.uniqueArray(fc.oneof(bytes, fc.string({ unit: 'grapheme', minLength: 1 })), { maxLength: 20 });
    fc.assert(
      fc.property(names, (all) => {
        const sorted = sortTree(all.map((name) => bytesFile(name, ''))).map(({ path }) => nameToBytes(path));
        expect(sorted).toEqual([...sorted].sort((a, b) => Buffer.compare(a, b)));
        expect(sorted).toHaveLength(all.length);
      }),
    );
  });

  test('leaves what it is given as it is', () => {
    const given = [bytesFile('b', ''), bytesFile('a', '')];
    const sorted = sortTree(given);
    expect(given.map(({ path }) => path)).toEqual(['b', 'a']);
    expect(sorted[0]).toBe(given[1]);
  });

  test('has the content of hard links under the first of their names', () => {
    const tree = sortTree([bytesFile('m', 'x'), link('z', 'm'), link('b', 'm'), bytesFile('a', 'y'), link('c', 'a')]);
    expect(listing(tree)).toEqual(['a = y', 'b = x', 'c == a', 'm == b', 'z == b']);
    expect(listing(sortTree(tree))).toEqual(listing(tree));
  });

  test('repeats the metadata of the file in its links', () => {
    const xattrs = [{ name: 'user.a', value: Buffer.from('1') }];
    const file = { ...bytesFile('b', 'x', { mode: 0o4755, uid: 1, gid: 2, mtime: 3 }), xattrs };
    const [first, second] = sortTree([file, { ...link('a', 'b'), uid: 99 } as Entry]);
    expect(first).toEqual({ ...file, path: 'a' });
    expect(second).toEqual({
      type: 'hardlink',
      path: 'b',
      target: 'a',
      mode: 0o4755,
      uid: 1,
      gid: 2,
      mtime: 3,
      xattrs,
    });
  });

  test('cannot have a hard link to nothing, or to another one', () => {
    for (const entries of [[link('a', 'b')], [bytesFile('a', ''), link('b', 'a'), link('c', 'b')]]) {
      expect(() => sortTree(entries)).toThrow(expect.objectContaining({ code: 'STACK9001' }) as Error);
    }
  });
});
