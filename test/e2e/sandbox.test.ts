import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Driver } from '../../lib/build/sandbox';
import { CAPABILITIES } from '../../lib/build/sandbox/capabilities';
import { commandAs } from './as-root';
import { describeForEachUser, processesWith, until } from './sandbox-world';

const DRIVERS: readonly Driver[] = ['unshare', 'crun', 'runc'];

describeForEachUser((world) => {
  describe.each(DRIVERS)('a script run by %s', (driver) => {
    /** What a script writes. */
    async function outputOf(script: string, more = {}): Promise<string> {
      const { status, output } = await world.run(driver, world.options(script, more));
      expect({ status, output }).toMatchObject({ status: 0 });
      return output;
    }

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
      expect(await world.run(driver, world.options('#!/bin/sed 1d\nyes\n'))).toEqual({ status: 0, output: 'yes\n' });
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
      const { output } = await world.run(driver, world.options('cat /proc/$$/environ', { env }));
      const seen = output.split('\0').filter((entry) => entry !== '');
      expect(seen.sort()).toEqual(
        Object.entries({ ...env, HOME: '/root' })
          .map(([name, value]) => `${name}=${value}`)
          .sort(),
      );
    });

    test('finds itself in a plain place', async () => {
      const script = 'pwd; umask; hostname; ulimit -c; id -u; id -G; wc -c < /dev/stdin; ls -d /tmp /run/lock /dev/shm';
      expect((await outputOf(script)).split('\n')).toEqual([
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
      expect(await outputOf('ls -ld /dev/shm /tmp | cut -c1-10; ls -A /stack')).toBe(
        'drwxrwxrwt\ndrwxrwxrwt\nscript\n',
      );
    });

    test('can use its devices, also as another user', async () => {
      const script = 'echo > /dev/null && head -c1 /dev/urandom > /dev/null && id -u';
      expect(await outputOf(`su nobody -s /bin/sh -c '${script}'`)).toBe('65534\n');
    });

    test('can open its own output', async () => {
      const script = "su nobody -s /bin/sh -c 'echo out > /dev/stdout; echo err > /dev/stderr'";
      expect(await outputOf(script)).toBe('out\nerr\n');
    });

    test('is heard in the order in which it writes, whichever of its outputs it writes to', async () => {
      const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo "out $i"; echo "err $i" >&2; done';
      expect(await outputOf(script)).toBe([1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `out ${i}\nerr ${i}\n`).join(''));
    });

    test('is run by a shell that shows what it does and stops at the first failure, unless it says otherwise', async () => {
      const options = { ...world.options(''), script: 'echo one\nfalse\necho two' };
      expect(await world.run(driver, options)).toEqual({ status: 1, output: '+ echo one\none\n+ false\n' });
    });

    test('can be ended by any signal, whoever sends it', async () => {
      const signals = {
        HUP: 129,
        INT: 130,
        ABRT: 134,
        KILL: 137,
        USR1: 138,
        SEGV: 139,
        PIPE: 141,
        TERM: 143,
      };
      for (const [signal, status] of Object.entries(signals)) {
        const scripts = [`kill -${signal} $$`, `exec sh -c 'kill -${signal} $$'`, `(kill -${signal} $$); sleep 60`];
        const script = scripts[status % 3]!; // each way by several signals
        expect({ script, ...(await world.run(driver, world.options(script))) }).toEqual({ script, status, output: '' });
      }
    });

    test('survives signals for all other processes, and can end none outside', async () => {
      const script =
        "exec 2> /dev/null; trap '' TERM; sleep 60 & kill -TERM -1; kill -KILL -1; wait $! || echo $?; kill -KILL 1; kill -USR1 1; echo on";
      expect(await outputOf(script)).toBe('137\non\n');
    });

    test('can handle signals itself', async () => {
      expect(await world.run(driver, world.options("trap 'echo got it; exit 7' TERM; kill $$; sleep 60"))).toEqual({
        status: 7,
        output: 'got it\n',
      });
    });

    test('is not process 1, and cannot have that debugged', async () => {
      const listening = 'kill -USR1 1; sleep 0.5; grep -c ":240D " /proc/net/tcp || true'; // port 9229
      expect(await outputOf(`[ $$ != 1 ]; ${listening}`, { network: 'none' })).toBe('0\n');
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
      const status = await outputOf('grep -E "Cap(Prm|Eff|Bnd|Inh|Amb)|NoNewPrivs" /proc/self/status');
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
        'never() { if "$@" 2> /dev/null; then echo "could $*"; exit 1; fi; }',
        `for place in '' /proc/1/root /proc/1/cwd; do never ls -d $place${world.home}; done`,
        'never mount -t tmpfs tmpfs /tmp',
        'never mkdir /sys/fs/cgroup/x',
        'never sh -c "echo 1 > /proc/sys/kernel/printk_ratelimit"',
        'cut -d " " -f 5 /proc/self/mountinfo',
      ].join('\n');
      const { status, output } = await world.run(driver, world.options(script));
      expect({ status, output }).toMatchObject({ status: 0 });
      const places = output.trim().split('\n');
      expect(places.filter((place) => !/^\/(|etc\/resolv\.conf|(dev|proc|run|stack|sys)(\/.*)?)$/.test(place))).toEqual(
        [],
      );
    });

    test('sees only its own processes', async () => {
      expect(await outputOf('ls -d /proc/[0-9]* | wc -l')).toMatch(/^[1-9]\n$/);
    });

    test('gets no file descriptor but its standard ones', async () => {
      const openMany = 'for fd in {3..43}; do eval "exec $fd< /dev/null"; done; exec 44< /; exec "$@"';
      const agent = await world.newAgent({ through: ['bash', '-c', openMany, 'bash'] });
      try {
        const options = world.options('#!/bin/sh\nls -l /proc/$$/fd');
        const { value } = agent.request<{ output: string }>('runScript', { driver, options });
        const links = (await value).output.split('\n').map((line) => line.split(' -> ')[1]);
        expect(links).not.toContain('/');
        expect(
          links.filter(
            (link) => link !== undefined && link !== '/dev/null' && !/-work\/output$|\/stack\/script/.test(link),
          ),
        ).toEqual([]);
      } finally {
        await agent.end();
      }
    });

    test('takes everything it started with it, also what left its session or ignores signals', async () => {
      const ignoring = `trap '' TERM HUP INT; sleep 31415928`;
      const script = `sleep 31415926 & setsid sleep 31415927 & setsid sh -c "${ignoring}" & (setsid sleep 31415929 &)`;
      const { status } = await world.run(driver, world.options(script));
      expect(status).toBe(0);
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
      await agent.end();
      await until(() => processesWith('161803').length === 0);
      await until(() => processesWith(options.work).length === 0);
      await world.agent.do('removeTree', { directory: options.upper });
      await world.agent.do('removeTree', { directory: options.work });
      expect(fs.existsSync(options.work)).toBe(false);
    });

    test('can be talked to on a terminal', () => {
      const options = { ...world.options('#!/bin/sh\ntest -t 0 && read line && echo "got $line"'), terminal: true };
      const text = `const { Namespace, runScript } = require(process.argv[1] + '/node_modules/cdk-stack/dist/build/sandbox');
        Namespace.detect().then((n) => runScript(n, '${driver}', ${JSON.stringify(options)})).then((r) => console.log(JSON.stringify(r)));`;
      const file = world.newName('terminal.js');
      fs.writeFileSync(file, text.replace('process.argv[1]', JSON.stringify(process.env['CDK_STACK_INSTALLED'])));
      const environment = { PATH: process.env['PATH'], HOME: world.home };
      const command = ['script', '-qc', `${process.execPath} ${file}`, '/dev/null'];
      const [program, ...args] = commandAs(world.user, environment, command);
      const { stdout } = spawnSync(program, args, {
        input: 'hello\n',
        encoding: 'utf8',
      });
      expect(stdout).toContain('got hello');
      expect(stdout).toContain('{"status":0}');
    });
  });
});
