import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import type { Driver } from '../../lib/build/sandbox';
import { CAPABILITIES } from '../../lib/build/sandbox/capabilities';
import { processesWith, until, World } from './sandbox-world';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

const DRIVERS: readonly Driver[] = ['unshare', 'crun', 'runc'];

describe.each(['root', 'an ordinary user'] as const)('for %s', (who) => {
  let world: World;

  beforeAll(async () => {
    world = await World.create(who);
  }, MINUTE);

  afterAll(async () => {
    await world.end();
  }, MINUTE);

  describe.each(DRIVERS)('a script run by %s', (driver) => {
    /** What a script writes. */
    async function output(script: string, more = {}): Promise<string> {
      const { status, stdout, stderr } = await world.run(driver, world.options(script, more));
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/^\+/) as string });
      return stdout;
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
      const layers = Array.from({ length: 497 }, (_, index) =>
        world.directory({ [`n/${String(index)}`]: '', top: String(index) }, 'layer'),
      );
      const written = await output('cat /top; ls /n | wc -l', { lowers: [world.base, ...layers] });
      expect(written).toBe('496497\n');
    });

    test('is told to the caller by its exit status', async () => {
      const statusOf = async (script: string): Promise<number> =>
        (await world.run(driver, world.options(script))).status;
      expect(await statusOf('exit 3')).toBe(3);
      expect(await statusOf('false; true')).toBe(1);
      expect(await statusOf('no-such-tool')).toBe(127);
      expect(await statusOf("sh -c 'kill -9 $$'")).toBe(137);
      expect(await statusOf("sh -c 'kill -SEGV $$'")).toBe(139);
    });

    test('is run by its own interpreter', async () => {
      const { stdout, stderr } = await world.run(driver, world.options('#!/bin/sed 1d\nyes\n'));
      expect({ stdout, stderr }).toEqual({ stdout: 'yes\n', stderr: '' });
    });

    test('is refused when the base lacks its interpreter', async () => {
      await expect(world.run(driver, world.options('#!/usr/bin/perl\n'))).rejects.toMatchObject({
        reason: { code: 'STACK4011', message: "the base has no '/usr/bin/perl' to run the script" },
      });
    });

    test('has exactly the environment it is given', async () => {
      const env = {
        PATH: '/bin',
        QUOTES: `it's "$x"`,
        LINES: 'a\nb\n',
        EMPTY: '',
        'odd.name': '1',
        IFS: ',',
        LC_ALL: 'C.UTF-8',
        LD_LIBRARY_PATH: '/nowhere',
      };
      const { stdout } = await world.run(driver, world.options('cat /proc/$$/environ', { env }));
      const seen = stdout.split('\0').filter((entry) => entry !== '');
      expect(seen.sort()).toEqual(
        Object.entries({ ...env, HOME: '/root' })
          .map(([name, value]) => `${name}=${value}`)
          .sort(),
      );
    });

    test('finds itself in a plain place', async () => {
      const script = 'pwd; umask; hostname; ulimit -c; id -u; id -G; wc -c < /dev/stdin; ls -d /tmp /run/lock /dev/shm';
      expect((await output(script)).split('\n')).toEqual([
        '/',
        '0022',
        'stack',
        '0',
        '0',
        '0',
        '0',
        '/dev/shm',
        '/run/lock',
        '/tmp',
        '',
      ]);
      expect(await output('ls -ld /dev/shm /tmp | cut -c1-10; ls -A /stack')).toBe('drwxrwxrwt\ndrwxrwxrwt\nscript\n');
    });

    test('can use its devices, also as another user', async () => {
      const script = 'echo > /dev/null && head -c1 /dev/urandom > /dev/null && id -u';
      expect(await output(`su nobody -s /bin/sh -c '${script}'`)).toBe('65534\n');
    });

    test('can open its own output', async () => {
      // runc has pipes of its own, which are root's.
      const user = driver === 'runc' ? 'root' : 'nobody';
      const script = `su ${user} -s /bin/sh -c 'echo out > /dev/stdout; echo err > /dev/stderr'`;
      const { stdout, stderr } = await world.run(driver, world.options(script));
      expect(stdout).toBe('out\n');
      expect(stderr.split('\n')).toContain('err');
    });

    test('has the capabilities of package managers, and no more', async () => {
      const bits = {
        audit_write: 29,
        chown: 0,
        dac_override: 1,
        fowner: 3,
        fsetid: 4,
        kill: 5,
        mknod: 27,
        net_bind_service: 10,
        setfcap: 31,
        setgid: 6,
        setpcap: 8,
        setuid: 7,
        sys_chroot: 18,
      };
      const expected = CAPABILITIES.reduce((sum, name) => sum | (1n << BigInt(bits[name])), 0n)
        .toString(16)
        .padStart(16, '0');
      const status = await output('grep -E "Cap(Prm|Eff|Bnd|Inh|Amb)|NoNewPrivs" /proc/self/status');
      expect(status.split('\n').map((line) => line.split('\t')[1])).toEqual([
        '0000000000000000',
        expected,
        expected,
        expected,
        '0000000000000000',
        '0',
        undefined,
      ]);
    });

    test('cannot reach the host', async () => {
      const script = [
        'for file in /proc/1/root /proc/1/exe /proc/1/cwd; do ! ls $file/ 2> /dev/null; done',
        '! echo 1 2> /dev/null > /proc/sys/kernel/printk_ratelimit',
        '! mkdir /sys/fs/cgroup/x 2> /dev/null',
        '! mount -t tmpfs tmpfs /tmp 2> /dev/null',
        // The classic way out of a chroot.
        'mkdir /tmp/a; cd /tmp/a; chroot /tmp/a /bin/true 2> /dev/null || true; ls /',
      ].join('\n');
      expect((await output(script)).split('\n')).not.toContain('home');
      expect(await output('wc -l < /proc/mounts')).toBe(await output('grep -vc " /host" /proc/mounts'));
    });

    test('sees only its own processes', async () => {
      expect(await output('ls -d /proc/[0-9]* | wc -l')).toMatch(/^[3-7]\n$/);
    });

    test('gets no file descriptor but its standard ones', async () => {
      const directory = fs.openSync('/', 'r');
      const agent = await world.newAgent([...Array.from({ length: 40 }, () => 'ignore' as const), directory]);
      try {
        const options = world.options('#!/bin/sh\nls -l /proc/$$/fd');
        const { value } = agent.request<{ stdout: string }>('runScript', { driver, options });
        const links = (await value).stdout.split('\n').map((line) => line.split(' -> ')[1]);
        expect(links).not.toContain('/');
        expect(
          links.filter(
            (link) => link !== undefined && link !== '/dev/null' && !/std(out|err)|pipe|\/stack\/script/.test(link),
          ),
        ).toEqual([]);
      } finally {
        fs.closeSync(directory);
        agent.end();
      }
    });

    test('reaches the network of the host when it may', async () => {
      const server = createServer((socket) => socket.end('hello\n'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const connect = `nc -w 5 127.0.0.1 ${String(port)} < /dev/null`;
        expect(await output(connect)).toBe('hello\n');
        const { stdout, status } = await world.run(driver, world.options(connect, { network: 'none' }));
        expect({ stdout, failed: status !== 0 }).toEqual({ stdout: '', failed: true });
      } finally {
        server.close();
      }
    });

    test('has a loopback and nothing else when it may not', async () => {
      const written = await output('ip -o link; test ! -s /etc/resolv.conf', { network: 'none' });
      expect(written).toMatch(/^1: lo: <LOOPBACK,UP,LOWER_UP>.*\n$/);
    });

    test('can change what it was told about names, which does not last', async () => {
      const options = world.options('cat /etc/resolv.conf; echo nameserver 192.0.2.1 > /etc/resolv.conf');
      const { status, stdout } = await world.run(driver, options);
      expect({ status, stdout }).toEqual({ status: 0, stdout: fs.readFileSync('/etc/resolv.conf', 'utf8') });
      expect(await world.changes(options)).toEqual([]);
    });

    test('takes everything it started with it', async () => {
      await output('sleep 31415926 & sleep 31415927 &');
      expect(processesWith('3141592')).toEqual([]);
    });

    test('ends at once when aborted, with all it started', async () => {
      const before = fs.readFileSync('/proc/self/mountinfo', 'utf8');
      let written = '';
      const script = "trap '' TERM INT; sleep 27182818 & echo ready; sleep 27182819";
      const { id, value } = world.agent.request(
        'runScript',
        { driver, options: world.options(script) },
        (text) => (written += text),
      );
      value.catch(() => undefined);
      await until(() => written.includes('ready') && processesWith('sleep 2718281').length === 2);
      await world.agent.do('abort', { run: id });
      await expect(value).rejects.toThrow('enough');
      expect(processesWith('2718281')).toEqual([]);
      expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
    });

    test('does not outlive the process that wanted it, even if that is killed', async () => {
      const agent = await world.newAgent();
      const options = world.options('sleep 16180339 & sleep 16180340');
      const { value } = agent.request('runScript', { driver, options });
      value.catch(() => undefined);
      await until(() => processesWith('sleep 161803').length === 2);
      agent.process.kill('SIGKILL');
      await until(() => processesWith('161803').length === 0);
      await until(() => processesWith(options.work).length === 0);
      await world.agent.do('removeTree', { directory: options.upper });
      await world.agent.do('removeTree', { directory: options.work });
      expect(fs.existsSync(options.work)).toBe(false);
      agent.end();
    });

    test('can be talked to on a terminal', () => {
      const options = { ...world.options('#!/bin/sh\ntest -t 0 && read line && echo "got $line"'), terminal: true };
      const program = `const { Namespace, runScript } = require(process.argv[1] + '/node_modules/cdk-stack/dist/build/sandbox');
        Namespace.detect().then((n) => runScript(n, '${driver}', ${JSON.stringify(options)})).then((r) => console.log(JSON.stringify(r)));`;
      const file = world.newName('terminal.js');
      fs.writeFileSync(file, program.replace('process.argv[1]', JSON.stringify(process.env['CDK_STACK_INSTALLED'])));
      const { stdout } = spawnSync('script', ['-qc', `${process.execPath} ${file}`, '/dev/null'], {
        ...world.user,
        input: 'hello\n',
        encoding: 'utf8',
      });
      expect(stdout).toContain('got hello');
      expect(stdout).toContain('{"status":0}');
    });
  });
});
