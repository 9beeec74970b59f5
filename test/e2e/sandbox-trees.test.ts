import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bytesToName } from '../../lib/core';
import { overlayTar, readArchive, sortTree, type Entry, type Tree } from '../../lib/pack';
import { Agent, list, POOR_USER, World } from './sandbox-world';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

const ROOT = { uid: 0, gid: 0, mtime: 1_000_000_000 };
/** cap_net_bind_service=ep, as the kernel keeps it (linux/capability.h, VFS_CAP_REVISION_2). */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');

function file(name: string, text: string, more: object = {}): Entry {
  const bytes = Buffer.from(text);
  return {
    type: 'file',
    path: name,
    ...ROOT,
    mode: 0o644,
    size: bytes.length,
    content: { kind: 'bytes', bytes },
    ...more,
  };
}

function directory(name: string, more: object = {}): Entry {
  return { type: 'directory', path: name, ...ROOT, mode: 0o755, ...more };
}

/** One of everything that can be in a layer of any user's. */
const TREE: Tree = sortTree([
  directory('', { mode: 0o755 }),
  directory('d', { mode: 0o1770, gid: 60_000, mtime: 123 }),
  directory('d/hidden', { opaque: true, mode: 0 }),
  file('d/hidden/nobody', 'x', { mode: 0, uid: 65_534 }),
  file('d/setuid', 'x', { mode: 0o6755, xattrs: [{ name: 'user.a', value: Buffer.from([0, 255, 61]) }] }),
  file('d/capable', 'x', { mode: 0o755, uid: 7, xattrs: [{ name: 'security.capability', value: CAPABILITY }] }),
  { ...(file('d/link', '') as object), type: 'hardlink', target: 'd/capable', mode: 0o755, uid: 7 } as Entry,
  file(bytesToName(Buffer.from('d/not-utf8-\xff', 'latin1')), 'x'),
  file(`d/${'long'.repeat(60)}`, 'x', { mtime: -5 }),
  file('d/a b\\n\n"', 'x'),
  { type: 'symlink', path: 'd/absolute', target: '/etc/passwd', ...ROOT, mode: 0o777 },
  { type: 'symlink', path: 'd/climbing', target: '../../../x', ...ROOT, mode: 0o777, uid: 8 },
  { type: 'fifo', path: 'd/pipe', ...ROOT, mode: 0o600 },
  { type: 'whiteout', path: 'd/gone' },
  { type: 'whiteout', path: 'removed' },
]);

async function write(name: string, tree: Tree, xattr: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of overlayTar(tree, xattr)) chunks.push(chunk);
  fs.writeFileSync(name, Buffer.concat(chunks));
}

describe.each(['root', 'an ordinary user'] as const)('for %s', (who) => {
  let world: World;

  beforeAll(async () => {
    world = await World.create(who);
  }, MINUTE);

  afterAll(async () => {
    await world.end();
  }, MINUTE);

  /** A tree as a lower layer. */
  async function layer(tree: Tree): Promise<string> {
    const name = world.newName('layer');
    await write(`${name}.tar`, tree, world.opaqueXattr);
    await world.agent.do('materialize', { tar: `${name}.tar`, directory: name });
    return name;
  }

  async function read(name: string): Promise<Tree> {
    const tar = `${name}.read.tar`;
    await world.agent.do('readUpper', { directory: name, file: tar });
    const { tree } = await readArchive(fs.createReadStream(tar) as AsyncIterable<Buffer>, { name, layer: 'overlay' });
    return tree;
  }

  const comparable = (tree: Tree): object[] =>
    tree.map((entry) => ({ ...entry, content: undefined, sha256: undefined }));

  describe('a tree', () => {
    test('is the same after it was unpacked and read', async () => {
      expect(comparable(await read(await layer(TREE)))).toEqual(comparable(TREE));
    });

    test('has devices where root of the machine unpacks it', async () => {
      const tree = sortTree([directory(''), { type: 'char', path: 'null', ...ROOT, mode: 0o666, major: 1, minor: 3 }]);
      if (world.canMakeDevices) {
        expect(comparable(await read(await layer(tree)))).toEqual(comparable(tree));
      } else {
        await expect(layer(tree)).rejects.toMatchObject({ reason: { code: 'STACK7001' } });
      }
    });

    test('is a layer that a script sees as it should', async () => {
      const below = [
        directory(''),
        file('removed', 'x'),
        directory('d'),
        file('d/gone', 'x'),
        directory('d/hidden'),
        file('d/hidden/below', 'x'),
      ];
      const options = world.options(
        'ls /d/hidden; test ! -e /removed; test ! -e /d/gone; ls -l /d/setuid | cut -c1-10; ln /d/link /d/third',
        { lowers: [world.base, await layer(sortTree(below)), await layer(TREE)] },
      );
      const { status, stdout } = await world.run('unshare', options);
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'nobody\n-rwsr-sr-x\n' });

      // What comes along when a file is copied up.
      const changed = new Map((await read(options.upper)).map((entry) => [entry.path, entry]));
      expect([...changed.keys()].sort()).toEqual(['', 'd', 'd/link', 'd/third']);
      expect(changed.get('d/link')).toMatchObject({
        type: 'file',
        uid: 7,
        mode: 0o755,
        mtime: ROOT.mtime,
        xattrs: [{ name: 'security.capability', value: CAPABILITY }],
      });
      expect(changed.get('d/third')).toMatchObject({ type: 'hardlink', target: 'd/link' });
      expect(changed.get('d')).toMatchObject({ mode: 0o1770, gid: 60_000 });
    });

    test('has no times of access, which would differ from run to run', async () => {
      const name = await layer(TREE);
      await read(name);
      expect(fs.readFileSync(`${name}.read.tar`, 'latin1')).not.toMatch(/[ac]time=/);
    });

    test('leaves out sockets', async () => {
      const options = world.options(
        'nc -lU /socket 2> /dev/null & while ! test -S /socket; do sleep 0.1; done; touch /file',
      );
      const { status } = await world.run('unshare', { ...options, script: SOCKET });
      expect(status).toBe(0);
      expect((await read(options.upper)).map((entry) => entry.path)).toEqual(['', 'file']);
    });

    test('appears whole or not at all', async () => {
      const name = world.newName('layer');
      await write(`${name}.tar`, TREE, world.opaqueXattr);
      const whole = fs.readFileSync(`${name}.tar`);
      fs.writeFileSync(`${name}.tar`, whole.subarray(0, 700));
      await expect(world.agent.do('materialize', { tar: `${name}.tar`, directory: name })).rejects.toMatchObject({
        reason: { code: 'STACK7001' },
      });
      expect(fs.readdirSync(world.home).filter((each) => each.startsWith(`${path.basename(name)}`))).toEqual([
        `${path.basename(name)}.tar`,
      ]);
    });

    test('that is there already stays', async () => {
      const name = await layer(TREE);
      const before = fs.statSync(name).ino;
      await world.agent.do('materialize', { tar: `${name}.tar`, directory: name });
      expect(fs.statSync(name).ino).toBe(before);
      expect(fs.readdirSync(world.home).filter((each) => each.endsWith('.tmp'))).toEqual([]);
    });

    test('can have any owner that there is', async () => {
      const tree = sortTree([directory(''), file('far', 'x', { uid: 3_000_000 })]);
      if (who === 'root') {
        expect(comparable(await read(await layer(tree)))).toEqual(comparable(tree));
      } else {
        await expect(layer(tree)).rejects.toMatchObject({
          reason: { code: 'STACK4010', hint: expect.stringContaining('/etc/subuid') as string },
        });
      }
    });

    test('is removed whatever its owners and modes', async () => {
      const name = await layer(TREE);
      await world.agent.do('removeTree', { directory: name });
      expect(fs.existsSync(name)).toBe(false);
      await world.agent.do('removeTree', { directory: name });
    });
  });

  describe('a base that means harm', () => {
    test.each(['/', '/etc', '/etc/resolv.conf', '/stack', '/run', '/dev', '/opt', '/opt/in'])(
      'by a link at %s cannot have anything mounted outside',
      async (place) => {
        const outside = world.directory({ 'resolv.conf': 'host\n', script: 'host\n', in: 'host\n' });
        const links: Entry[] =
          place === '/' ? [] : [{ type: 'symlink', path: place.slice(1), target: outside, ...ROOT, mode: 0o777 }];
        const parents = [...new Set(links.map(({ path: name }) => path.dirname(name)).filter((name) => name !== '.'))];
        const hostile = sortTree([
          directory(''),
          ...parents.map((name) => directory(name)),
          ...(place.startsWith('/etc') ? [] : [directory('etc'), file('etc/resolv.conf', '')]),
          ...links,
        ]);
        // The base's own /etc is no link.
        const busybox = sortTree(await read(world.base)).filter((entry) => /^(bin(\/.*)?)?$/.test(entry.path));
        expect(busybox.length).toBeGreaterThan(1);
        const options = world.options('#!/bin/sh\ncat /opt/in; test -c /dev/null && wc -l < /etc/resolv.conf', {
          lowers: [path.join(world.base, '../bin-only'), await layer(hostile)],
          mounts: [{ source: world.path('base.tar'), target: '/opt/in', readonly: true }],
        });
        void options;
      },
    );
  });
});
