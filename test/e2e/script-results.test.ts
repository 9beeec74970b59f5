import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { addUser, asRoot, removeUser } from './as-root';
import type { Outcome, Project } from './installed';
import { Mounts } from './mounts';
import { contentOf, deployed, HEAD, projectOf, topLayer, withProject } from './on-busybox';

const MINUTE = 60_000;
const USER = `cdk-stack-results-${process.env['JEST_WORKER_ID'] ?? ''}`;
const mounts = new Mounts();

afterAll(() => {
  mounts.end();
});

/** The host's perl, which makes the system calls that busybox has no tool for. */
const PERL = `binds: [{ source: '/usr', dest: '/host', cacheKey: 'perl' }]`;
const PERL_COMMAND = `$(echo /host/lib/*-linux-gnu/ld-linux-*) --library-path $(echo /host/lib/*-linux-gnu) /host/bin/perl -e`;

/** Deploys as root and as an ordinary user. */
function deployAsEach(app: string, check: (outcome: Outcome, project: Project) => void, ...args: string[]): void {
  const user = addUser(USER);
  try {
    for (const who of [undefined, user]) {
      const project = projectOf(app);
      try {
        if (who !== undefined) project.handOver(who);
        check(project.stack(['deploy', ...args], who === undefined ? {} : { user: who }), project);
      } finally {
        project.remove();
      }
    }
  } finally {
    removeUser(USER);
  }
}

test.each(['unshare', 'oci-runtime'])(
  'a script that ends itself by a signal has failed by that signal (%s)',
  (sandbox) => {
    const app = "new Layer(app, 'x', { from: base, run: ['echo before', 'kill $$', 'echo after'] });\n";
    deployAsEach(
      app,
      ({ status, stderr }) => {
        expect(status).toBe(1);
        expect(stderr).toMatch(/STACK4020: the script was ended by SIGTERM, itself or its last command \(status 143\)/);
        expect(stderr).toMatch(
          /in line 2; its last command was: kill \d+\n *\+ echo before\n *before\n *\+ kill \d+\n/,
        );
      },
      ...['--sandbox', sandbox],
    );
  },
  2 * MINUTE,
);

test(
  'renaming a directory of the base fails with what to do instead, which does it',
  () => {
    const rename = `rename("/data", "/moved") or die "rename: $!"`;
    const app = (run: string): string => `new Layer(app, 'x', { from: base, ${PERL}, run: ${JSON.stringify(run)} });\n`;
    deployAsEach(app(`${PERL_COMMAND} '${rename}'`), ({ status, stderr }) => {
      expect(status).toBe(1);
      expect(stderr).toMatch(/STACK4020: .*Invalid cross-device link/s);
      expect(stderr).toMatch(/hint: rename\(2\) cannot move a directory of the base \(EXDEV\): copy it with cp -a and/);
    });
    withProject(app('cp -a /data /moved; rm -r /data'), (project) => {
      deployed(project.stack(['deploy']));
      expect(topLayer(project, 'x')).toEqual(expect.arrayContaining(['.wh.data', 'moved/', 'moved/one', 'moved/two']));
    });
  },
  2 * MINUTE,
);

test(
  'sockets that a script leaves are left out with a warning, and what they replaced is gone',
  () => {
    const listen = (place: string): string =>
      `${PERL_COMMAND} 'socket(S, 1, 1, 0) && bind(S, pack("Sa*", 1, "${place}")) or die "bind: $!"'`;
    const run = ['rm /data/one', ...['/data/one', '/made', '/tmp/x'].map(listen), 'touch /kept', 'test -S /made'];
    const app = `new Layer(app, 'x', { from: base, clean: true, ${PERL}, run: ${JSON.stringify(run)} });\n`;
    deployAsEach(app, (outcome, project) => {
      const warnings = deployed(outcome)
        .stderr.split('\n')
        .filter((line) => line.includes('socket'));
      expect(warnings).toEqual([
        expect.stringMatching(/the script left sockets behind, .*: '\/data\/one', '\/made' \[socket-left-out\]$/),
      ]);
      expect(topLayer(project, 'x').filter((name) => !name.endsWith('/'))).toEqual(['data/.wh.one', 'kept']);
    });
  },
  2 * MINUTE,
);

test(
  'a script that finds a disk full is told which one it is',
  () => {
    const disk = mounts.disk('1m');
    const fill = "run: 'while :; do cat /bin/busybox >> /bound/full; done'";
    const app = `${HEAD}
new Layer(app, 'x', { from: base, binds: [{ source: '${disk}', dest: '/bound', readonly: false, cacheKey: '1' }], ${fill} });\n`;
    withProject('', (project) => {
      project.write({ 'app.js': app });
      const { status, stderr } = project.stack(['deploy']);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `STACK7002: no space is left in '${disk}', which is bound to /bound, and the script failed`,
      );
      expect(stderr).toMatch(/hint: free some space there; nothing half-written was kept/);
    });
  },
  MINUTE,
);

test(
  'layers share a cache by its id, in the way they ask for',
  () => {
    // Each waits for the other before it goes on, or would be seen by it if both ran at a time.
    const meet = 'touch /meet/$STACK_LAYER_NAME; until test -e /meet/a -a -e /meet/b; do sleep 0.1; done';
    const alone = 'test ! -e /c/busy; touch /c/busy; sleep 1; rm /c/busy';
    const layers = (caches: string, run: string): string =>
      ['a', 'b']
        .map((name) => `new Layer(app, '${name}', { from: base, caches: [${caches}], run: \`${run}\` });\n`)
        .join('');
    withProject('', (project) => {
      const run = (caches: string, script: string): string[] => {
        project.write({ 'app.js': HEAD + layers(caches, script) });
        deployed(project.stack(['deploy', '--concurrency', '4']));
        return ['a', 'b'].map((name) => contentOf(project, name, 'out').trim());
      };
      const shared = "{ path: '/meet', id: 'meet', sharing: 'shared' }";
      const twice = "{ path: '/c', id: 'apk' }, { path: '/d', id: 'apk' }"; // one directory, and no waiting for itself
      const outputs = run(twice, `${alone}; touch /d/$STACK_LAYER_NAME; ls /c > /out`);
      expect(outputs.map((each) => each.length).sort()).toEqual([1, 3]);
      expect(outputs).toContain('a\nb');
      expect(run(`${shared}, { path: '/c', id: 'apk' }`, 'ls /c > /out; touch /meet/x')).toEqual(['a\nb', 'a\nb']);
      expect(run(`${shared}, { path: '/c', id: 'own', sharing: 'private' }`, `${meet}; touch /c/$STACK_LAYER_NAME; sleep 1; ls /c > /out`)).toEqual(['a', 'b']); // prettier-ignore
      expect(run("'/c'", 'touch /c/$STACK_LAYER_NAME; ls /c > /out')).toEqual(['a', 'b']);
    });
  },
  2 * MINUTE,
);

test(
  'a cache that is given an id, or is shared in another way, is no reason to run again',
  () => {
    withProject('', (project) => {
      const reasons = (caches: string): string[] => {
        project.write({
          'app.js': `${HEAD}new Layer(app, 'x', { from: base, caches: [${caches}], run: 'touch /x' });\n`,
        });
        const { stderr } = deployed(project.stack(['deploy']));
        return stderr.split('\n').filter((line) => line.includes('rebuilt because'));
      };
      expect(reasons("'/c'")).toEqual([]);
      expect(reasons("{ path: '/c', id: 'a', sharing: 'shared' }")).toEqual([]);
      expect(reasons("'/d'")).toEqual(['x: rebuilt because caches changed']);
    });
  },
  MINUTE,
);

test(
  'a sparse file costs what its data does, and is the same file in every format',
  () => {
    const size = 256 * 1024 ** 2;
    const digest = execFileSync('sh', ['-c', `truncate -s ${String(size)} f; printf data | dd of=f bs=1 seek=200000000 conv=notrunc 2> /dev/null; sha256sum < f; rm f`], { cwd: mounts.disk('10m'), encoding: 'utf8' }).slice(0, 64); // prettier-ignore
    const run = [
      `truncate -s ${String(size)} /disk`,
      'printf data | dd of=/disk bs=1 seek=200000000 conv=notrunc',
      'sha256sum < /disk > /sum',
    ];
    const app = `
const x = new Layer(app, 'x', { from: base, run: ${JSON.stringify(run)} });
new Layer(app, 'y', { from: x, run: 'stat -c "%s %b" /disk > /stat; sha256sum < /disk > /sum2' });
`;
    withProject(app, (project) => {
      deployed(project.stack(['deploy']));
      expect(contentOf(project, 'x', 'sum').slice(0, 64)).toBe(digest);
      const layout = project.layout();
      const blob = layout.blob(layout.manifest('x').layers.at(-1)!.digest);
      const published = execFileSync('sh', ['-c', `tar --zstd -xOf ${blob} disk | sha256sum`], { encoding: 'utf8' });
      expect(published.slice(0, 64)).toBe(digest);
      const image = layout.manifest('x-squashfs').layers.at(-1)!.digest;
      const mounted = `${mounts.squashfs(layout.blob(image))}/disk`;
      expect(fs.statSync(mounted)).toMatchObject({ size });
      expect(fs.statSync(mounted).blocks * 512).toBeLessThan(1024 ** 2);
      expect(execFileSync('sh', ['-c', `sha256sum < ${mounted}`], { encoding: 'utf8' }).slice(0, 64)).toBe(digest);
      const [length, blocks] = contentOf(project, 'y', 'stat').split(' ').map(Number);
      expect(length).toBe(size);
      expect(blocks! * 512).toBeLessThan(1024 ** 2);
      expect(contentOf(project, 'y', 'sum2').slice(0, 64)).toBe(digest);
      // The contents, two trees to run on, and the blobs.
      const used = Number(asRoot('du', '-sB1', project.store).split('\t')[0]);
      expect(used).toBeLessThan(32 * 1024 ** 2);
    });
  },
  2 * MINUTE,
);
