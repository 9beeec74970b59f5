import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError } from '../../../lib/core';
import type { Entry } from '../../../lib/pack';
import { directory, feed, file, noise, text, Workbench } from './fixture';

const BLOCK = 128 * 1024;
const META = { mode: 0o600, uid: 1, gid: 2, mtime: 1000 };
const bench = new Workbench();

afterAll(() => {
  bench.remove();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return StackError.is(error) ? error.code : String((error as NodeJS.ErrnoException).code);
  }
  return 'no error';
}

describe('what cannot be stored', () => {
  const refused: [string, Entry[], string][] = [
    [
      'an extended attribute of another prefix',
      [file('x', '', { xattrs: [{ name: 'system.nfs4_acl', value: Buffer.alloc(1) }] })],
      'STACK4004',
    ],
    [
      'an extended attribute without a name',
      [file('x', '', { xattrs: [{ name: 'user.', value: Buffer.alloc(1) }] })],
      'STACK4004',
    ],
    [
      'a too large extended attribute',
      [file('x', '', { xattrs: [{ name: 'user.x', value: Buffer.alloc(65537) }] })],
      'STACK4004',
    ],
    ['a name of 256 bytes', [file('d/' + 'é'.repeat(128), '')], 'STACK4004'],
    ['a name with a NUL', [file('a\0b', '')], 'STACK4004'],
    ['an empty symlink', [{ type: 'symlink', path: 'x', ...META, target: '' }], 'STACK4004'],
    ['a symlink of more than a page', [{ type: 'symlink', path: 'x', ...META, target: 'a'.repeat(4096) }], 'STACK4004'],
    ['a device number out of range', [{ type: 'char', path: 'x', ...META, major: 4096, minor: 0 }], 'STACK4004'],
    ['a user id out of range', [file('x', '', { uid: 2 ** 32 })], 'STACK4004'],
    ['a root that is a file', [file('', 'x')], 'STACK4004'],
    ['a hard link to nothing', [{ type: 'hardlink', path: 'x', ...META, target: 'y' }], 'STACK4004'],
    [
      'a hard link to a directory',
      [directory('d'), { type: 'hardlink', path: 'x', ...META, target: 'd' }],
      'STACK4004',
    ],
    ['a path twice', [file('x', ''), file('x', '')], 'STACK4006'],
    ['the root twice', [directory(''), directory('')], 'STACK4006'],
    ['entries below a file', [file('x', ''), file('x/y', '')], 'STACK4006'],
  ];

  test.each(refused)('%s is refused', async (_what, entries, code) => {
    expect(await codeOf(bench.pack(entries))).toBe(code);
  });

  test('a longest symlink and a longest name are stored', async () => {
    const [name, target] = ['n'.repeat(255), 't'.repeat(4095)];
    const { image } = await bench.pack([{ type: 'symlink', path: name, ...META, target }]);
    expect(image.entries.get(name)?.target).toBe(target);
  });

  test.each([5, 7])('a file of 6 bytes that has %d when it is read is refused', async (size) => {
    const entry = { ...file('f', Buffer.alloc(size)), size: 6 };
    expect(await codeOf(bench.pack([entry, file('g', 'x')]))).toBe('STACK3002');
  });
});

describe('failures', () => {
  test('a file that exists is left alone, and the error is the own one of the system', async () => {
    const target = bench.newFile();
    fs.writeFileSync(target, 'precious');
    const sink = bench.sink({}, target);
    await feed(sink, file('a', 'x'));
    expect(await codeOf(sink.finish())).toBe('EEXIST');
    await sink.abort();
    expect(fs.readFileSync(target, 'utf8')).toBe('precious');
  });

  test('a write that fails is reported while files are still added', async () => {
    const sink = bench.sink({}, path.join(bench.directory, 'missing', 'x'));
    const work = (async () => {
      for (let number = 0; number < 300; number += 1)
        await feed(sink, file(`f${String(number)}`, noise(BLOCK, number + 1)));
    })();
    expect(await codeOf(work)).toBe('ENOENT');
    await sink.abort();
  });

  test('a compressor that fails ends the work with its error', async () => {
    const compress = (): Promise<Buffer> => Promise.reject(Object.assign(new Error('broken'), { code: 'BROKEN' }));
    expect(await codeOf(bench.pack([file('a', text(5 * BLOCK)), file('b', text(10))], { compress }))).toBe('BROKEN');
  });

  test('giving up closes the file, at any time and more than once', async () => {
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    const sink = bench.sink();
    await feed(sink, file('a', noise(40 * BLOCK)));
    await sink.abort();
    await sink.abort();
    await bench.sink().abort();
    expect(open()).toBe(before);
  });
});
