import * as fs from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import * as path from 'node:path';
import type { Driver } from '../../lib/build/sandbox';
import { asRoot, statusAsRoot } from './as-root';
import { describeForEachUser } from './sandbox-world';

const DRIVERS: readonly Driver[] = ['unshare', 'crun'];

describeForEachUser((world) => {
  describe.each(DRIVERS)('a script run by %s', (driver) => {
    /** What a script writes. */
    async function outputOf(script: string, more = {}): Promise<string> {
      const { status, output } = await world.run(driver, world.options(script, more));
      expect({ status, output }).toMatchObject({ status: 0 });
      return output;
    }

    /** What a script changes. */
    async function changes(script: string, more = {}): Promise<string[]> {
      const options = world.options(script, more);
      expect(await world.run(driver, options)).toMatchObject({ status: 0 });
      return world.changes(options);
    }

    test('writes files, with any owner and mode', async () => {
      const script = 'echo > /a; chmod 4711 /a; echo > /b; chown 1:60000 /b; mkdir -m 1770 /c; chown 65534 /c';
      expect(await changes(script)).toEqual([
        '-rws--x--x 0/0 ./a',
        '-rw-r--r-- 1/60000 ./b',
        'drwxrwx--T 65534/0 ./c/',
      ]);
    });

    test('removes files and directories of the base', async () => {
      expect(await changes('rm /data/one; rm -r /data/deep')).toEqual([
        'drwxr-xr-x 0/0 ./data/',
        'c--------- 0/0 0,0 ./data/deep',
        'c--------- 0/0 0,0 ./data/one',
      ]);
    });

    test('makes a directory of the base anew', async () => {
      expect(await changes('rm -r /data; mkdir /data; touch /data/new')).toEqual([
        'drwxr-xr-x 0/0 ./data/',
        ` ${world.opaqueXattr} (1)`,
        '-rw-r--r-- 0/0 ./data/new',
      ]);
    });

    test('moves a directory of the base, all of it', async () => {
      const changed = await changes('mv /data /moved');
      expect(changed.filter((line) => !line.startsWith(' '))).toEqual([
        'c--------- 0/0 0,0 ./data',
        'drwxr-xr-x 0/0 ./moved/',
        'drwxr-xr-x 0/0 ./moved/deep/',
        '-rw-r--r-- 0/0 ./moved/deep/three',
        '-rw-r--r-- 0/0 ./moved/one',
        '-rw-r--r-- 0/0 ./moved/two',
      ]);
    });

    test('makes devices when root of the machine may', async () => {
      const options = world.options('mknod /null c 1 3; mkfifo /fifo');
      const { status } = await world.run(driver, options);
      expect(status === 0).toBe(world.canMakeDevices);
      if (status === 0) {
        expect(await world.changes(options)).toEqual(['prw-r--r-- 0/0 ./fifo', 'crw-r--r-- 0/0 1,3 ./null']);
      }
    });

    test('leaves nothing of the sandbox in the layer', async () => {
      const more = {
        mounts: [
          { source: world.directory(), target: '/new/deep/directory', readonly: true },
          { source: world.directory(), target: '/data/deep/inside', readonly: false },
          { source: world.path('base.tar'), target: '/stack/imports/base.tar', readonly: true },
        ],
        secrets: [
          { target: '/run/secrets/one', content: 'x' },
          { target: '/root/.token', content: 'x' },
        ],
      };
      expect(await changes('cat /root/.token /run/secrets/one /etc/resolv.conf; ls /data/deep/inside', more)).toEqual(
        [],
      );
    });

    test('needs no base', async () => {
      const busybox = { source: `${world.base}/bin`, target: '/bin', readonly: true };
      const more = { lowers: [], mounts: [busybox] };
      expect(await changes('mkdir /made', more)).toEqual(['drwxr-xr-x 0/0 ./made/']);
    });

    test('stands on as many layers as Linux stacks', async () => {
      const names = Array.from({ length: 497 }, (_, index) => String(index));
      const layers = world.directory(
        Object.fromEntries(names.flatMap((name) => [`${name}/n/${name}`, `${name}/top`].map((file) => [file, name]))),
      );
      const lowers = [world.base, ...names.map((name) => `${layers}/${name}`)];
      const written = await outputOf('cat /top; ls /n | wc -l', { lowers });
      expect(written).toBe('496497\n');
    });

    test('can read what is mounted read-only, and write what is not', async () => {
      const [shared, given] = [world.directory({ file: 'shared\n' }), world.directory({ file: 'given\n' })];
      const mounts = [
        { source: shared, target: '/shared', readonly: false },
        { source: given, target: '/given', readonly: true },
        { source: `${given}/file`, target: '/a file', readonly: true },
      ];
      const script = [
        'never() { if "$@" 2> /dev/null; then echo "could $*"; exit 1; fi; }',
        'cat /shared/file /given/file "/a file"; echo new > /shared/new',
        'never touch /given/new; never rm /given/file; never sh -c "echo > \'/a file\'"; never rm "/a file"',
      ].join('\n');
      const { status, output } = await world.run(driver, world.options(script, { mounts }));
      expect({ status, output }).toEqual({ status: 0, output: 'shared\ngiven\ngiven\n' });
      expect(fs.readFileSync(`${shared}/new`, 'utf8')).toBe('new\n');
      expect(fs.readdirSync(given)).toEqual(['file']);
    });

    test('gets secrets byte by byte, for root alone, and they are on no disk and not shown', async () => {
      const secret = Buffer.from("it's\0\xff\n\n", 'latin1');
      const secrets = [
        { target: '/run/secrets/binary', content: secret },
        { target: '/root/.token', content: Buffer.from("it's text\n") },
      ];
      const options = world.options(
        'cat /root/.token; od -An -tx1 /root/.token /run/secrets/binary; stat -c %a /run/secrets/binary /root/.token; grep -c "^tmpfs.*secrets" /proc/mounts',
        { secrets },
      );
      const { status, output } = await world.run(driver, options);
      // What is shown of them is nothing; both together are sixteen bytes a line.
      const hex = ' 69 74 27 73 20 74 65 78 74 0a 69 74 27 73 00 ff\n 0a 0a\n';
      expect({ status, output }).toEqual({ status: 0, output: `***\n${hex}400\n400\n1\n` });
      expect(statusAsRoot('grep', '-rE', "it's", options.work, options.upper)).toBe(1);
    });

    test('has all it writes kept in a log, in the order it was written', async () => {
      const log = path.join(world.directory(), 'log');
      await outputOf('#!/bin/sh -xe\necho out; echo err >&2', { log });
      expect(asRoot('cat', log)).toBe('+ echo out\nout\n+ echo err\nerr\n');
    });

    test('is not started when something to be mounted is missing', async () => {
      const mounts = [{ source: '/no/such', target: '/x', readonly: true }];
      await expect(world.run(driver, world.options('true', { mounts }))).rejects.toMatchObject({
        reason: { code: 'STACK3003', message: expect.stringContaining("'/no/such' cannot be mounted") as string },
      });
    });

    test('is not started when the layers cannot be stacked', async () => {
      await expect(world.run(driver, world.options('true', { lowers: ['/no/such'] }))).rejects.toMatchObject({
        reason: { code: 'STACK4010' },
      });
    });

    test('reaches the network of the host when it may', async () => {
      const server = createServer((socket) => socket.end('hello\n'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const connect = `nc -w 5 127.0.0.1 ${String(port)} < /dev/null 2> /dev/null`;
        expect(await outputOf(connect)).toBe('hello\n');
        const { output, status } = await world.run(driver, world.options(connect, { network: 'none' }));
        expect({ output, failed: status !== 0 }).toEqual({ output: '', failed: true });
      } finally {
        server.close();
      }
    });

    test('has a loopback and nothing else when it may not', async () => {
      const written = await outputOf('ip -o link; test ! -s /etc/resolv.conf', { network: 'none' });
      expect(written).toMatch(/^1: lo: <LOOPBACK,UP,LOWER_UP>.*\n$/);
    });

    test('can change what it was told about names, which does not last', async () => {
      const options = world.options('cat /etc/resolv.conf; echo nameserver 192.0.2.1 > /etc/resolv.conf');
      const { status, output } = await world.run(driver, options);
      expect({ status, output }).toEqual({ status: 0, output: fs.readFileSync('/etc/resolv.conf', 'utf8') });
      expect(await world.changes(options)).toEqual([]);
    });
  });
});
