import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { addUser, asRoot, removeUser, ROOT_USER } from './as-root';
import { Project } from './installed';
import { Mounts } from './mounts';
import { addBase, deployed, HEAD, projectOf, topLayer, withProject } from './on-busybox';

/** A user of the tests' own. */
const USER = 'cdk-stack-test';
const MINUTE = 60_000;

const THREE_LAYERS = `
const one = new Layer(app, 'one', { from: base, run: 'rm /data/one; echo new > /data/three; mkdir /made; touch /made/a' });
const two = new Layer(app, 'two', { from: one, run: 'rm -r /data; mkdir /data; touch /data/only; rm -r /made; echo y > /lib/y' });
new Layer(app, 'three', { from: two, run: ['chown 1234:60000 /etc/conf', 'chmod 4711 /data/only', 'ln /etc/conf /etc/conf2', 'chmod 0 /usr/lib/x'] });
`;

describe('a layer with a script', () => {
  it(
    'is the changes that the script makes, and nothing of the sandbox',
    () => {
      withProject(THREE_LAYERS, (project) => {
        deployed(project.stack(['deploy']));
        expect(topLayer(project, 'one')).toEqual(['data/', 'data/.wh.one', 'data/three', 'made/', 'made/a']);
        expect(topLayer(project, 'two')).toEqual([
          'data/',
          'data/only',
          'data/.wh.three',
          'data/.wh.two',
          '.wh.made',
          'usr/',
          'usr/lib/',
          'usr/lib/y',
        ]);
        expect(topLayer(project, 'three')).toEqual([
          'data/',
          'data/only',
          'etc/',
          'etc/conf',
          'etc/conf2',
          'usr/',
          'usr/lib/',
          'usr/lib/x',
        ]);
        expect(project.layout().blobs()).toEqual(project.layout().referenced());
      });
    },
    MINUTE,
  );

  it(
    'gives the same tree as tar and as squashfs layers in a real overlay',
    () => {
      withProject(THREE_LAYERS, (project) => {
        // umoci knows no zstd
        const app = fs.readFileSync(project.path('app.js'), 'utf8');
        project.write({ 'app.js': app.replace('new App({', "new App({ tar: { compression: 'gzip' },") });
        deployed(project.stack(['deploy']));
        const layout = project.layout();
        const mounts = new Mounts();
        try {
          const layers = layout.manifest('three-squashfs').layers.map(({ digest }) => layout.blob(digest));
          const merged = mounts.overlay(...layers.map((layer) => mounts.squashfs(layer)));
          const listing = (directory: string): string =>
            asRoot('find', directory, '-mindepth', '1', '-printf', '%P|%y|%m|%U|%G|%n|%l\n')
              .split('\n')
              .filter((line) => !/\|d\|/.test(line))
              .sort()
              .join('\n');
          expect(fs.readdirSync(path.join(merged, 'data'))).toEqual(['only']);
          expect(fs.existsSync(path.join(merged, 'made'))).toBe(false);

          const bundle = path.join(project.home, 'bundle');
          asRoot('umoci', 'unpack', '--image', `${layout.directory}:three`, bundle);
          expect(listing(path.join(bundle, 'rootfs'))).toBe(listing(merged));
        } finally {
          mounts.end();
        }
      });
    },
    MINUTE,
  );

  it(
    'has the same digests when an ordinary user builds it',
    () => {
      const [root, user] = [projectOf(THREE_LAYERS), projectOf(THREE_LAYERS)];
      const ordinary = addUser(USER);
      try {
        deployed(root.stack(['deploy'], { user: ROOT_USER }));
        user.handOver(ordinary);
        deployed(user.stack(['deploy'], { user: ordinary }));
        expect(user.layout().indexText).toBe(root.layout().indexText);
      } finally {
        removeUser(USER);
        root.remove();
        user.remove();
      }
    },
    2 * MINUTE,
  );

  it(
    'is not made again unless something it depends on has changed',
    () => {
      const app = (label: string, env: string): string =>
        `${HEAD}new Layer(app, 'x', { from: base, imports: [{ source: 'in/', dest: '/in' }], run: 'cat /in/file > /out', buildEnv: { E: '${env}' }, config: { labels: { l: '${label}' } } });\n`;
      const project = Project.create(app('1', 'a'), { 'in/file': 'content' });
      try {
        addBase(project);
        const runs = (): number =>
          deployed(project.stack(['deploy', '--progress', 'json']))
            .stderr.split('\n')
            .filter((line) => line.includes('"run-started"')).length;
        expect(runs()).toBe(1);
        expect(runs()).toBe(0);
        project.write({ 'app.js': app('2', 'a') });
        expect(runs()).toBe(0);
        fs.utimesSync(project.path('in/file'), 1, 1);
        expect(runs()).toBe(0);
        project.write({ 'app.js': app('2', 'b') });
        expect(runs()).toBe(1);
        project.write({ 'in/file': 'changed' });
        expect(runs()).toBe(1);
        project.write({ 'in/file': 'content' });
        expect(runs()).toBe(0); // several generations are kept
      } finally {
        project.remove();
      }
    },
    MINUTE,
  );

  it(
    'keeps ids that a tar header of the old kind cannot hold',
    () => {
      withProject("new Layer(app, 'x', { from: base, run: 'chown 3000000:300000 /etc/conf' });\n", (project) => {
        deployed(project.stack(['deploy'], { user: ROOT_USER })); // no ordinary user has such ids
        const layout = project.layout();
        const blob = layout.blob(layout.manifest('x').layers.at(-1)!.digest);
        const listed = execFileSync('tar', ['--zstd', '--numeric-owner', '-tvf', blob], { encoding: 'utf8' });
        expect(listed).toMatch(/ 3000000\/300000 .* etc\/conf\n/);
      });
    },
    MINUTE,
  );

  it(
    'adds no layer when its script changes nothing',
    () => {
      withProject(
        "new Layer(app, 'x', { from: base, run: 'touch /data/t; rm /data/t; cat /etc/conf' });\n",
        (project) => {
          deployed(project.stack(['deploy']));
          expect(project.layout().manifest('x').layers).toHaveLength(1);
        },
      );
    },
    MINUTE,
  );

  it(
    'sees its environment and no network when it wants none',
    () => {
      const script = 'env > /env; cut -s -d: -f1 /proc/net/dev > /net';
      const app = `new Layer(app, 'x', { from: base, network: 'none', run: '${script}', buildEnv: { A: 'b c' }, buildEnvPassthrough: ['PASS_.*'] });\n`;
      withProject(app, (project) => {
        deployed(project.stack(['deploy'], { env: { PASS_ME: '1', HIDE_ME: '2', SOURCE_DATE_EPOCH: '1000000001' } }));
        const layout = project.layout();
        const blob = layout.blob(layout.manifest('x').layers.at(-1)!.digest);
        const read = (name: string): string[] =>
          execFileSync('tar', ['--zstd', '-xOf', blob, name], { encoding: 'utf8' }).trim().split('\n').sort();
        expect(read('net').map((name) => name.trim())).toEqual(['lo']);
        expect(read('env')).toEqual(
          expect.arrayContaining(['A=b c', 'PASS_ME=1', 'SOURCE_DATE_EPOCH=1000000001', 'STACK_LAYER_NAME=x']),
        );
        expect(read('env').join()).not.toContain('HIDE_ME');
      });
    },
    MINUTE,
  );

  it(
    'reports a script that fails with its last output and its place, and publishes nothing',
    () => {
      withProject("new Layer(app, 'x', { from: base, run: 'echo before; false; echo after' });\n", (project) => {
        const { status, stderr } = project.stack(['deploy']);
        expect(status).toBe(1);
        expect(stderr).toMatch(/error STACK4020: the script exited with status 1/);
        expect(stderr).toMatch(/before/);
        expect(stderr).not.toMatch(/after$/m);
        expect(stderr).toMatch(/created at app\.js:4:1/);
        expect(fs.existsSync(project.path('oci'))).toBe(false);
        expect(fs.readdirSync(path.join(project.store, 'v1/runs'))).toEqual([]);
        const log = /whole output is in (\S+)/.exec(stderr)?.[1] ?? '';
        expect(fs.readFileSync(log, 'utf8')).toContain('before');
      });
    },
    MINUTE,
  );
});
