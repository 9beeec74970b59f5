import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { bytesToName } from '../../lib/core';
import { indexLine, parseIndexLine, treeDigest, type Content, type Entry, type Xattr } from '../../lib/pack';
import { bytesFile } from './fixture';

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
const META = { mode: 0o644, uid: 1, gid: 2, mtime: 3 };

describe('a line', () => {
  const xattrs: Xattr[] = [{ name: 'security.capability', value: Buffer.from([1, 0xff]) }];
  test.each<[Entry, string]>([
    [{ ...bytesFile('a', 'x', META), sha256: 'abc' }, '{"path":"a","type":"file","mode":420,"uid":1,"gid":2,"mtime":3,"size":1,"sha256":"abc"}'],
    [{ type: 'directory', path: '', ...META }, '{"path":"","type":"directory","mode":420,"uid":1,"gid":2,"mtime":3}'],
    [{ type: 'directory', path: 'd', ...META, opaque: true }, '{"path":"d","type":"directory","mode":420,"uid":1,"gid":2,"mtime":3,"opaque":true}'],
    [{ type: 'symlink', path: 's', ...META, target: 't' }, '{"path":"s","type":"symlink","mode":420,"uid":1,"gid":2,"mtime":3,"target":"t"}'],
    [{ type: 'hardlink', path: 'h', ...META, target: 't' }, '{"path":"h","type":"hardlink","mode":420,"uid":1,"gid":2,"mtime":3,"target":"t"}'],
    [{ type: 'char', path: 'c', ...META, major: 1, minor: 3 }, '{"path":"c","type":"char","mode":420,"uid":1,"gid":2,"mtime":3,"major":1,"minor":3}'],
    [{ type: 'fifo', path: 'p', ...META, xattrs }, '{"path":"p","type":"fifo","mode":420,"uid":1,"gid":2,"mtime":3,"xattrs":[["security.capability","Af8="]]}'],
    [{ type: 'whiteout', path: 'w' }, '{"path":"w","type":"whiteout"}'],
  ])('of an entry has its members in a fixed order', (entry, line) => {
    expect(indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined)).toBe(line);
  }); // prettier-ignore

  test('is the same however the entry came to be', () => {
    const reversed = Object.fromEntries(
      Object.entries({ type: 'directory', path: 'd', ...META }).reverse(),
    ) as unknown as Entry;
    const plain: Entry = { type: 'directory', path: 'd', ...META, opaque: undefined, xattrs: undefined };
    expect(indexLine(reversed, undefined)).toBe(indexLine(plain, undefined));
  });

  test('gives back any entry', () => {
    const name = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => bytesToName(Buffer.from(bytes)));
    const xattr = fc.record({ name, value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) });
    const metadata = {
      path: name,
      mode: fc.nat(0o7777),
      uid: fc.nat(),
      gid: fc.nat(),
      mtime: fc.integer(),
      xattrs: fc.option(fc.array(xattr, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    };
    const content: Content = { kind: 'bytes', bytes: Buffer.alloc(0) };
    const entry: fc.Arbitrary<Entry> = fc.oneof(
      fc.record({
        type: fc.constant('file' as const),
        ...metadata,
        size: fc.nat(),
        content: fc.constant(content),
        sha256: name,
      }),
      fc.record({ type: fc.constant('directory' as const), ...metadata, opaque: fc.constantFrom(true, undefined) }),
      fc.record({ type: fc.constantFrom('symlink' as const, 'hardlink' as const), ...metadata, target: name }),
      fc.record({
        type: fc.constantFrom('char' as const, 'block' as const),
        ...metadata,
        major: fc.nat(),
        minor: fc.nat(),
      }),
      fc.record({ type: fc.constant('fifo' as const), ...metadata }),
      fc.record({ type: fc.constant('whiteout' as const), path: name }),
    );
    fc.assert(
      fc.property(entry, (each) => {
        const line = indexLine(each, each.type === 'file' ? each.sha256 : undefined);
        expect(line).not.toContain('\n');
        expect(parseIndexLine(line, () => content)).toEqual(each);
      }),
    );
  });

  test('asks where the content of a file is', () => {
    const asked: string[][] = [];
    const line = indexLine(bytesFile('a/b', 'x'), 'abc');
    parseIndexLine(line, (...args) => {
      asked.push(args);
      return { kind: 'slice', file: 'store', offset: 512 };
    });
    expect(asked).toEqual([['a/b', 'abc']]);
  });

  test.each(['', '{', 'text', '{"path":'])('that is damaged is the fault of the store: %s', (line) => {
    expect(() => parseIndexLine(line, () => ({ kind: 'bytes', bytes: Buffer.alloc(0) }))).toThrow(
      expect.objectContaining({ code: 'STACK7001' }) as Error,
    );
  });
});

describe('the digest of a tree', () => {
  const tree: Entry[] = [
    { type: 'directory', path: 'd', ...META },
    { ...bytesFile('d/f', 'x', META), sha256: sha256('x') },
  ];

  test('is the sha256 of its index', () => {
    const lines = tree
      .map((entry) => `${indexLine(entry, entry.type === 'file' ? entry.sha256 : undefined)}\n`)
      .join('');
    expect(treeDigest(tree)).toBe(`sha256:${sha256(lines)}`);
  });

  test('hashes what is at hand, and is not known while something else is not hashed', () => {
    const bare = bytesFile('d/f', 'x', META);
    expect(treeDigest([tree[0] as Entry, bare])).toBe(treeDigest(tree));
    expect(treeDigest([{ ...bare, content: { kind: 'slice', file: 'store', offset: 0 } }])).toBeUndefined();
    expect(treeDigest([])).toBe(`sha256:${sha256('')}`);
  });

  test('changes with everything that is in it', () => {
    const [directory, content] = tree as [Entry, Entry];
    const others: Entry[][] = [
      [directory],
      [{ ...directory, mode: 0o700 } as Entry, content],
      [{ ...directory, opaque: true } as Entry, content],
      [directory, { ...content, mtime: 9 } as Entry],
      [directory, { ...content, sha256: sha256('y') } as Entry],
      [directory, { ...content, xattrs: [{ name: 'user.a', value: Buffer.from('1') }] } as Entry],
    ];
    expect(new Set([tree, ...others].map((each) => treeDigest(each))).size).toBe(others.length + 1);
  });
});
