import { once } from 'node:events';
import { extract, type Header } from 'tar-stream';
import { bytesToName, nameToBytes } from '../../lib/core';
import type { Entry, Metadata } from '../../lib/pack';
import { encodeTarHeader } from '../../lib/pack/tar-header';
import { TarParser } from '../../lib/pack/tar-parser';
import type { TarHeader } from '../../lib/pack/tar-entry';
import { END } from './tar-builder';

const META: Metadata = { mode: 0o644, uid: 0, gid: 0, mtime: 1_600_000_000 };
const NO_CONTENT = { kind: 'bytes', bytes: Buffer.alloc(0) } as const;
const file = (path: string, more: Partial<Metadata> & { size?: number } = {}): Entry => ({
  type: 'file',
  path,
  ...META,
  size: 0,
  content: NO_CONTENT,
  ...more,
});

/** What tar-stream, which shares no code with us, sees. */
async function headersOf(entry: Entry): Promise<Header[]> {
  const headers: Header[] = [];
  const reader = extract();
  reader.on('entry', (header, content, next) => {
    headers.push(header);
    content.on('end', next).resume();
  });
  reader.end(Buffer.concat([encodeTarHeader(entry), END]));
  await once(reader, 'finish');
  return headers;
}

/** What we see ourselves, where tar-stream loses information. */
function parsed(entry: Entry): TarHeader[] {
  const headers: TarHeader[] = [];
  const parser = new TarParser({ header: (header) => headers.push(header), data: () => undefined });
  const bytes = encodeTarHeader(entry);
  Array.from(parser.write(bytes));
  expect(parser.bytesRead).toBe(bytes.length);
  return headers;
}

describe('a header as tar-stream reads it', () => {
  const cases: [what: string, entry: Entry, expected: Partial<Header>][] = [
    [
      'a file',
      file('etc/hosts'),
      { name: 'etc/hosts', type: 'file', mode: 0o644, uid: 0, gid: 0, uname: '', gname: '' },
    ],
    ['a name of 100 bytes', file('n'.repeat(100)), { name: 'n'.repeat(100), pax: null }],
    ['a name of 101 bytes', file('n'.repeat(101)), { name: 'n'.repeat(101) }],
    ['a long path', file(`${'d/'.repeat(1500)}f`), { name: `${'d/'.repeat(1500)}f` }],
    ['a name in UTF-8 that is cut in the header', file('ä'.repeat(70)), { name: 'ä'.repeat(70) }],
    ['special bits', file('su', { mode: 0o7755 }), { mode: 0o7755 }],
    ['the highest ids that fit', file('f', { uid: 0o7777777, gid: 0o7777777 }), { pax: null }],
    [
      'a directory',
      { type: 'directory', path: 'a/b', ...META, mode: 0o1777 },
      { name: 'a/b/', type: 'directory', mode: 0o1777 },
    ],
    [
      'a directory of 100 bytes with its slash',
      { type: 'directory', path: 'd'.repeat(99), ...META },
      { name: `${'d'.repeat(99)}/`, pax: null },
    ],
    [
      'a directory of 101 bytes with its slash',
      { type: 'directory', path: 'd'.repeat(100), ...META },
      { name: `${'d'.repeat(100)}/` },
    ],
    ['the root', { type: 'directory', path: '', ...META }, { name: './', type: 'directory' }],
    [
      'a symbolic link',
      { type: 'symlink', path: 'l', ...META, target: '../x' },
      { type: 'symlink', linkname: '../x', size: 0 },
    ],
    [
      'a long symbolic link',
      { type: 'symlink', path: 'l', ...META, target: 't'.repeat(4000) },
      { linkname: 't'.repeat(4000) },
    ],
    [
      'a hard link with the metadata of its file',
      { type: 'hardlink', path: 'h', ...META, uid: 7, target: 'f' },
      { type: 'link', linkname: 'f', uid: 7, mode: 0o644, size: 0 },
    ],
    [
      'a character device',
      { type: 'char', path: 'c', ...META, major: 4095, minor: 1048575 },
      { type: 'character-device', devmajor: 4095, devminor: 1048575 },
    ],
    [
      'a block device',
      { type: 'block', path: 'b', ...META, major: 8, minor: 1 },
      { type: 'block-device', devmajor: 8, devminor: 1 },
    ],
    ['a pipe', { type: 'fifo', path: 'p', ...META }, { type: 'fifo', name: 'p' }],
    [
      'a removed file',
      { type: 'whiteout', path: 'a/gone' },
      { name: 'a/.wh.gone', type: 'file', size: 0, mode: 0, mtime: new Date(0) },
    ],
    ['a removed file at the top', { type: 'whiteout', path: 'gone' }, { name: '.wh.gone' }],
  ];
  test.each(cases)('%s', async (_, entry, expected) => {
    const headers = await headersOf(entry);
    expect(headers).toHaveLength(1);
    expect(headers[0]).toMatchObject(expected);
  });

  test('an opaque directory is followed by its mark', async () => {
    const opaque = (path: string): Entry => ({ type: 'directory', path, ...META, opaque: true });
    const names = async (entry: Entry): Promise<string[]> => (await headersOf(entry)).map(({ name }) => name);
    expect(await names(opaque('a/b'))).toEqual(['a/b/', 'a/b/.wh..wh..opq']);
    expect(await names(opaque(''))).toEqual(['./', '.wh..wh..opq']);
  });

  test('text xattrs', async () => {
    const xattrs = [{ name: 'user.comment', value: Buffer.from('grün\n=x') }];
    const [header] = await headersOf(file('f', { xattrs }));
    expect(header?.pax).toEqual({ 'SCHILY.xattr.user.comment': 'grün\n=x' });
  });
});

describe('a header as we read it back, where tar-stream loses something', () => {
  test.each([0, 1, 0o7777777, 0o10000000, 2 ** 31, 2 ** 32 - 2])('the user and group id %d', (id) => {
    expect(parsed(file('f', { uid: id, gid: id }))[0]).toMatchObject({ uid: id, gid: id });
  });

  test.each([-1, -2_208_988_800, 0, 2 ** 33 - 1, 2 ** 33, 2 ** 40])('the time %d', (mtime) => {
    expect(parsed(file('f', { mtime }))[0]?.mtime).toBe(mtime);
  });

  test.each([0, 1, 2 ** 33 - 1, 2 ** 33, 2 ** 40])('the size %d', (size) => {
    expect(parsed(file('f', { size }))[0]?.size).toBe(size);
  });

  test('a file capability, with bytes that are no text', () => {
    const value = Buffer.from('0100000200200000000000008000fffe00000000', 'hex');
    const xattrs = [{ name: 'security.capability', value }];
    expect(parsed(file('ping', { xattrs }))[0]?.xattrs).toEqual(xattrs);
  });

  test('an xattr whose name is not UTF-8, and one without value', () => {
    const xattrs = [
      { name: 'user.empty', value: Buffer.alloc(0) },
      { name: `user.${bytesToName(Buffer.from([0xff]))}`, value: Buffer.from('x') },
    ];
    expect(parsed(file('f', { xattrs }))[0]?.xattrs).toEqual(xattrs);
  });

  test.each([8, 98, 99, 100, 101, 150, 300])('a name of %d bytes that is not UTF-8, and a link to it', (length) => {
    const name = bytesToName(Buffer.alloc(length, Buffer.from([0x61, 0xff, 0xc3])));
    const [header] = parsed({ type: 'symlink', path: name, ...META, target: name });
    expect(header).toMatchObject({ path: name, link: name });
    expect(nameToBytes(name)).toHaveLength(length);
  });

  test('a pax record whose length has one digit more because of itself', () => {
    // 9, 99 and 999 bytes without the length: with it they are one digit longer than one would think.
    for (const length of [85, 86, 87, 88, 89, 985, 986, 987, 988, 989, 990]) {
      expect(parsed(file('p'.repeat(length)))[0]?.path).toHaveLength(length);
    }
  });
});

describe('the bytes of a header', () => {
  test('are the same whatever order the xattrs come in', () => {
    const one = { name: 'user.a', value: Buffer.from('1') };
    const two = { name: 'user.b', value: Buffer.from('2') };
    expect(encodeTarHeader(file('f', { xattrs: [one, two] }))).toEqual(
      encodeTarHeader(file('f', { xattrs: [two, one] })),
    );
  });

  test('are whole blocks', () => {
    const value = Buffer.alloc(1000);
    for (const entry of [file('f'), file('f'.repeat(500)), file('f', { xattrs: [{ name: 'user.x', value }] })]) {
      expect(encodeTarHeader(entry).length % 512).toBe(0);
    }
  });

  test('are those of a ustar header', () => {
    const header = encodeTarHeader(file('etc/passwd', { mode: 0o640, uid: 1, gid: 42, size: 1234 }));
    const text = (start: number, end: number): string => header.toString('latin1', start, end);
    expect(text(0, 11)).toBe('etc/passwd\0');
    expect(text(100, 156)).toBe(
      '0000640\0' + '0000001\0' + '0000052\0' + '00000002322\0' + '13727410000\0' + text(148, 156),
    );
    expect(text(156, 157)).toBe('0');
    expect(text(257, 265)).toBe('ustar\x0000');
    expect(text(265, 329)).toBe('\0'.repeat(64));
    expect(text(345, 512)).toBe('\0'.repeat(167));
  });
});

describe('what a layer tar cannot hold', () => {
  const refused: [what: string, entry: Entry][] = [
    ['a file that would be a whiteout', file('etc/.wh.passwd')],
    ['a directory with such a name', { type: 'directory', path: '.wh.d', ...META }],
    ['anything below one', file('.wh.d/file')],
    ['a whiteout of a whiteout', { type: 'whiteout', path: 'a/.wh.b' }],
    ['a name with a NUL byte', file('a\0b')],
    ['a device that means a removed file', { type: 'char', path: 'c', ...META, major: 0, minor: 0 }],
    ['an xattr whose name has the separator', file('f', { xattrs: [{ name: 'user.a=b', value: Buffer.alloc(1) }] })],
  ];
  test.each(refused)('%s', (_, entry) => {
    expect(() => encodeTarHeader(entry)).toThrow(expect.objectContaining({ code: 'STACK4004' }) as Error);
  });

  test.each(['.whale', 'a.wh.b', '.wh', 'wh.x'])('but a file may be called %s', (name) => {
    expect(parsed(file(name))[0]?.path).toBe(name);
  });
});
