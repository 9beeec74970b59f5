import * as fs from 'node:fs';
import { createServer } from 'node:net';
import * as path from 'node:path';
import { bytesToName } from '../../lib/core';
import { overlayTar, readArchive, sortTree, type Entry, type Tree } from '../../lib/pack';
import { asRoot } from './as-root';
import { describeForEachUser } from './sandbox-world';

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

function write(name: string, tree: Tree, xattr: string): void {
  fs.writeFileSync(name, Buffer.concat([...overlayTar(tree, xattr)]));
}

describeForEachUser((world, who) => {
  /** A tree as a lower layer. */
  async function layer(tree: Tree): Promise<string> {
    const name = world.newName('layer');
    write(`${name}.tar`, tree, world.opaqueXattr);
    await world.agent.do('materialize', { tar: `${name}.tar`, directory: name });
    return name;
  }

  async function read(name: string): Promise<Tree> {
    const tar = `${name}.read.tar`;
    await world.agent.do('readUpper', { directory: name, file: tar });
    const chunks = fs.createReadStream(tar) as AsyncIterable<Buffer>;
    const { tree } = await readArchive(chunks, { name, layer: 'overlay', copy: `${tar}.copy` });
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
      const { status, output } = await world.run('unshare', options);
      expect({ status, output }).toEqual({ status: 0, output: 'nobody\n-rwsr-sr-x\n' });

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
      const upper = world.directory({ file: '' });
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(world.path('socket'), resolve));
      asRoot('mv', world.path('socket'), upper);
      try {
        expect((await read(upper)).map((entry) => entry.path)).toEqual(['', 'file']);
      } finally {
        server.close();
      }
    });

    test('appears whole or not at all', async () => {
      const name = world.newName('layer');
      fs.writeFileSync(`${name}.tar`, fs.readFileSync(world.path('base.tar')).subarray(0, 1_000_000));
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

  describe.each(['unshare', 'crun'] as const)('a base that means harm to %s', (driver) => {
    test.each(['etc', 'etc/resolv.conf', 'stack', 'run', 'dev', 'sys', 'opt', 'opt/in'])(
      'by a link at /%s has nothing mounted outside, and what it should have inside',
      async (place) => {
        const outside = world.directory({ 'resolv.conf': 'host\n', script: 'host\n', in: 'host\n', null: 'host\n' });
        const parent = path.dirname(place);
        const hostile = sortTree([
          directory(''),
          ...(parent === '.' ? [] : [directory(parent)]),
          { type: 'symlink', path: place, target: outside, ...ROOT, mode: 0o777 },
        ]);
        const options = world.options('#!/bin/sh -e\ntest -c /dev/null; cat /opt/in /etc/resolv.conf', {
          lowers: [world.base, await layer(hostile)],
          mounts: [
            { source: path.join(world.directory({ given: 'given\n' }), 'given'), target: '/opt/in', readonly: true },
          ],
        });
        const { status, output } = await world.run(driver, options);
        expect({ status, output }).toEqual({
          status: 0,
          output: `given\n${fs.readFileSync('/etc/resolv.conf', 'utf8')}`,
        });
        expect(await world.changes(options)).toEqual([]);
        for (const name of fs.readdirSync(outside))
          expect(fs.readFileSync(path.join(outside, name), 'utf8')).toBe('host\n');
        expect(fs.readdirSync(outside)).toHaveLength(4);
      },
    );

    test('by a removed mount point is given one', async () => {
      const removed: Entry[] = ['tmp', 'dev', 'proc', 'stack', 'etc'].map((name) => ({ type: 'whiteout', path: name }));
      const options = world.options(
        '#!/bin/sh -e\ntest -c /dev/null; test -d /proc/self; test -s /etc/resolv.conf; ls /etc',
        {
          lowers: [world.base, await layer(sortTree([directory(''), ...removed]))],
        },
      );
      expect(await world.run(driver, options)).toMatchObject({ status: 0, output: 'resolv.conf\n' });
      expect(await world.changes(options)).toEqual([]);
    });

    test('or just is odd has its directories look as they did around new mount points', async () => {
      const odd = sortTree([directory(''), directory('opt', { mode: 0o1751, uid: 12, gid: 34, opaque: true })]);
      const options = world.options('stat -c "%a %u %g %Y" /opt; touch /opt/new', {
        lowers: [world.base, await layer(odd)],
        mounts: [{ source: world.directory(), target: '/opt/deep/in', readonly: true }],
      });
      expect(await world.run(driver, options)).toMatchObject({ status: 0, output: '1751 12 34 1000000000\n' });
      expect(await world.changes(options)).toEqual(['drwxr-x--t 12/34 ./opt/', '-rw-r--r-- 0/0 ./opt/new']);
    });
  });
});
