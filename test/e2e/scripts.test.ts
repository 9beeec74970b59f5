import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { expectNothingLeft, expectStore } from './care-world';
import { contentOf, deployed, HEAD, projectOf, topLayer, withProject } from './on-busybox';
import type { Project } from './installed';

const MINUTE = 60_000;

/** Deploys, and gives what was told of why. */
function reasons(project: Project, ...args: string[]): string[] {
  const { stderr } = deployed(project.stack(['deploy', ...args]));
  return stderr.split('\n').filter((line) => line.includes('rebuilt because'));
}

/** Whether any file of the project's home has a text in it, the app's own directory aside. */
function isKept(project: Project, text: string): boolean {
  const command = `grep -rqF -- '${text}' '${project.store}' '${project.path('oci')}' '${project.path('synth.out')}'`;
  return execFileSync('sh', ['-c', `${command} && echo yes || echo no`], { encoding: 'utf8' }).trim() === 'yes';
}

test(
  'a script reads its imports, which are no part of the layer; one that changes runs it again',
  () => {
    const app = `
const made = new Layer(app, 'made', { from: base, buildOnly: true, run: 'mkdir /export; echo made > /export/x' });
new Layer(app, 'x', {
  from: base,
  imports: ['in', { source: 'in/a', dest: '/stack/imports/b', mode: 0o600 }, made.file('/export/x'), { source: 'in/a', dest: '/placed' }],
  run: ['cat /stack/imports/in/a /stack/imports/b /stack/imports/x > /out', 'stat -c %a%u /stack/imports/b >> /out', '! touch /stack/imports/no'],
});
`;
    withProject(app, (project) => {
      project.write({ 'in/a': 'a\n' });
      deployed(project.stack(['deploy']));
      expect(topLayer(project, 'x')).toEqual(['out', 'placed']);
      expect(contentOf(project, 'x', 'out')).toBe('a\na\nmade\n6000\n');
      expect(reasons(project)).toEqual([]);
      project.write({ 'in/a': 'b\n' });
      expect(reasons(project)).toEqual(['x: rebuilt because import in/a, import in changed']);
      expect(contentOf(project, 'x', 'out')).toBe('b\nb\nmade\n6000\n');
    });
  },
  MINUTE,
);

test(
  'a bind is seen and not kept; what is in it counts unless it has a key',
  () => {
    const app = (key: string): string => `${HEAD}
new Layer(app, 'x', { from: base, binds: [{ source: 'bound', dest: '/bound' ${key} }], run: 'cat /bound/f > /out; ! touch /bound/g' });
`;
    withProject('', (project) => {
      project.write({ 'app.js': app(''), 'bound/f': '1' });
      deployed(project.stack(['deploy']));
      expect(topLayer(project, 'x')).toEqual(['out']);
      project.write({ 'bound/f': '2' });
      expect(reasons(project)).toEqual(['x: rebuilt because bind bound changed']);
      project.write({ 'app.js': app(", cacheKey: 'k'") });
      expect(reasons(project)).toHaveLength(1);
      project.write({ 'bound/f': '3' });
      expect(reasons(project)).toEqual([]);
      expect(contentOf(project, 'x', 'out')).toBe('2');
      fs.rmSync(project.path('bound'), { recursive: true });
      const { status, stderr } = project.stack(['deploy']);
      expect(status).toBe(4);
      expect(stderr).toMatch(/STACK2007: binds\[0\]\.source "bound" does not exist/);
    });
  },
  MINUTE,
);

test(
  'a cache is kept for the next run of the layer, and is in no layer',
  () => {
    const app = (run: string): string => `${HEAD}
new Layer(app, 'x', { from: base, caches: ['/var/cache/x'], run: 'ls /var/cache/x > /out; touch /var/cache/x/${run}' });
new Layer(app, 'y', { from: base, caches: ['/var/cache/x'], run: 'ls /var/cache/x > /out' });
`;
    withProject('', (project) => {
      for (const run of ['one', 'two', 'three']) {
        project.write({ 'app.js': app(run) });
        deployed(project.stack(['deploy']));
      }
      expect(topLayer(project, 'x')).toEqual(['out']);
      expect(contentOf(project, 'x', 'out')).toBe('one\ntwo\n');
      expect(contentOf(project, 'y', 'out')).toBe('');
    });
  },
  MINUTE,
);

test(
  'a secret is read by the script and is nowhere else, whatever the script does with its output',
  () => {
    const secrets = "secrets: [{ id: 'file', file: '../token' }, { id: 'env', env: 'MY_TOKEN', dest: 'TOKEN' }]";
    const app = (rest: string): string => `${HEAD}
new Layer(app, 'x', { from: base, ${secrets}, run: ['cat /run/secrets/file | wc -c > /out', 'echo $TOKEN | wc -c >> /out', 'echo $TOKEN', 'cat /run/secrets/file >&2', '${rest}'] });
`;
    withProject('', (project) => {
      const env = { MY_TOKEN: 'swordfish-2' };
      fs.writeFileSync(`${project.home}/token`, 'hunter2-hunter2\n');
      project.write({ 'app.js': app('true') });
      const { stderr } = deployed(project.stack(['deploy', '--verbose'], { env }));
      expect(stderr).toContain('***');
      expect(topLayer(project, 'x')).toEqual(['out']);
      expect(contentOf(project, 'x', 'out')).toBe('16\n12\n');
      for (const text of ['hunter2', 'swordfish']) {
        expect(stderr).not.toContain(text);
        expect(isKept(project, text)).toBe(false);
      }
      expect(isKept(project, '***')).toBe(true); // the log has what is left of it

      fs.writeFileSync(`${project.home}/token`, 'another');
      expect(reasons(project)).toEqual([]); // no input, and not even asked for
      project.write({ 'app.js': app('false') });
      const failed = project.stack(['deploy', '--json'], { env });
      expect(failed.status).toBe(1);
      expect(failed.stdout + failed.stderr).not.toMatch(/swordfish|another/);
      const missing = project.stack(['deploy']);
      expect(missing.stderr).toMatch(/STACK3003: the secret 'env' is not there: the variable MY_TOKEN is not set/);
    });
  },
  MINUTE,
);

test(
  'labels come of a script that changes nothing, and what is declared wins',
  () => {
    const app = (label: string, data: string): string => `${HEAD}
new Layer(app, 'x', {
  from: base, run: 'echo ${data} > /etc/version', config: { labels: { declared: '${label}', both: 'declared' } },
  generateLabels: ['cd /stack/oci-labels', 'cat /etc/version > org.example.version', 'echo generated > both', 'touch /changed'],
});
`;
    withProject('', (project) => {
      const labels = (): unknown => {
        const layout = project.layout();
        return layout.json<{ config: { Labels?: object } }>(layout.manifest('x').config.digest).config.Labels;
      };
      const runs = (): number =>
        deployed(project.stack(['deploy', '--progress', 'json'])).stderr.split('"run-started"').length - 1;
      project.write({ 'app.js': app('1', 'v1') });
      expect(runs()).toBe(2);
      expect(labels()).toEqual({ both: 'declared', declared: '1', 'org.example.version': 'v1' });
      expect(topLayer(project, 'x')).toEqual(['etc/', 'etc/version']);
      project.write({ 'app.js': app('2', 'v1') });
      expect(runs()).toBe(0);
      expect(labels()).toMatchObject({ declared: '2', 'org.example.version': 'v1' });
      project.write({ 'app.js': app('2', 'v2') });
      expect(runs()).toBe(2);
      expect(labels()).toMatchObject({ 'org.example.version': 'v2' });
    });
  },
  MINUTE,
);

test(
  'what is excluded and what programs leave behind is no part of the layer',
  () => {
    const app = `
const run = 'mkdir -p /var/lib/apt/lists /run/x; touch /tmp/t /var/lib/apt/lists/l /var/log/dpkg.log /keep /keep.log; ls /run > /run/x/y';
new Layer(app, 'all', { from: base, run });
new Layer(app, 'clean', { from: base, run, clean: true, exclude: ['*.log'] });
`;
    withProject(app.replace('touch /tmp/t', 'mkdir -p /var/log; touch /tmp/t'), (project) => {
      deployed(project.stack(['deploy']));
      expect(topLayer(project, 'all')).toEqual(expect.arrayContaining(['tmp/t', 'keep.log', 'var/lib/apt/lists/l']));
      const clean = topLayer(project, 'clean');
      expect(clean).toEqual(expect.arrayContaining(['keep', 'var/lib/apt/lists/']));
      for (const name of ['tmp/t', 'keep.log', 'var/lib/apt/lists/l', 'var/log/dpkg.log'])
        expect(clean).not.toContain(name);
    });
  },
  MINUTE,
);

test(
  'why an image is built again is told in one line',
  () => {
    const app = (layer: string): string => `${HEAD}new Layer(app, 'x', { from: base, ${layer} });\n`;
    withProject('', (project) => {
      const because = (layer: string, ...args: string[]): string[] => {
        project.write({ 'app.js': app(layer) });
        return reasons(project, ...args).map((line) => line.replace('x: rebuilt because ', ''));
      };
      project.write({ f: 'f' });
      expect(because("run: 'touch /a'")).toEqual([]);
      expect(because("run: 'touch /b'")).toEqual(['the script changed']);
      expect(because("run: 'touch /b', buildEnv: { A: '1' }")).toEqual(['the variable A changed']);
      expect(because("run: 'touch /b', buildEnv: { A: '1' }, network: 'none'")).toEqual(['network changed']);
      expect(because("run: 'touch /b'")).toEqual([]);
      expect(because("run: 'touch /b'", '--no-cache=x')).toEqual(['--no-cache was given']);
      expect(because("imports: [{ source: 'f', dest: '/f' }]")).toHaveLength(1);
      fs.chmodSync(project.path('f'), 0o755);
      expect(reasons(project)).toEqual(['x: rebuilt because import f changed']);
      expect(reasons(project, '--no-cache')).toHaveLength(1);
    });
  },
  2 * MINUTE,
);

test(
  'an image that is rebuilt to the same bytes ends the rebuilding',
  () => {
    const app = (text: string, unused: string): string => `${HEAD}
const lower = new Layer(app, 'lower', { from: base, run: 'echo $TEXT > /made', buildEnv: { TEXT: '${text}', UNUSED: '${unused}' }, buildOnly: true });
const upper = new Layer(app, 'upper', { from: lower, run: 'cat /made > /copy' });
new Layer(app, 'taken', { imports: [{ source: upper.file('/copy'), dest: '/' }] });
`;
    withProject('', (project) => {
      project.write({ 'app.js': app('x', '1') });
      deployed(project.stack(['deploy']));
      const before = project.layout().state();
      project.write({ 'app.js': app('x', '2') });
      expect(reasons(project)).toEqual(['lower: rebuilt because the variable UNUSED changed']);
      expect(project.layout().state()).toBe(before);
      project.write({ 'app.js': app('y', '2') });
      expect(reasons(project).sort()).toEqual([
        'lower: rebuilt because the variable TEXT changed',
        'taken: rebuilt because import /copy changed',
        'upper: rebuilt because the base changed',
      ]);
    });
  },
  MINUTE,
);

test(
  'a command runs in a copy of an image that is thrown away, and its status is that of stack',
  () => {
    const app = `new Layer(app, 'x', { from: base, run: 'touch /made', config: { workingDir: '/data', env: { A: 'b' } } });\n`;
    withProject(app, (project) => {
      const { status, stdout } = project.stack([
        'shell',
        'x',
        '--',
        'sh',
        '-c',
        'rm two; ls; echo $A; ls /made; exit 7',
      ]);
      expect({ status, stdout }).toEqual({ status: 7, stdout: 'one\nb\n/made\n' });
      expect(project.stack(['shell', 'x', '--', 'ls'])).toMatchObject({ status: 0, stdout: 'one\ntwo\n' });
      expect(fs.existsSync(project.path('oci'))).toBe(false);
      expect(fs.readdirSync(`${project.store}/v1/runs`)).toEqual([]);
      const noTerminal = project.stack(['shell', 'x']);
      expect(noTerminal).toMatchObject({ status: 2 });
      expect(noTerminal.stderr).toMatch(/a shell needs a terminal/);
    });
  },
  MINUTE,
);

test(
  'Ctrl-C ends everything that scripts started, and the next deploy goes on',
  async () => {
    const app = (seconds: number): string => `${HEAD}
new Layer(app, 'done', { from: base, run: 'touch /done' });
new Layer(app, 'long', { from: base, run: 'sleep ${String(seconds)} & sleep ${String(seconds)}; touch /made' });
`;
    const project = projectOf('');
    try {
      project.write({ 'app.js': app(4242) });
      const { child, ended } = project.start(['deploy', '--progress', 'json']);
      await new Promise<void>((resolve) => {
        let said = '';
        child.stderr?.on('data', (text: string) => {
          said += text;
          if (said.includes('+ sleep 4242')) resolve();
        });
      });
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ status: 130 });
      await expectNothingLeft(project.home);
      expectStore(project.store);
      expect(fs.existsSync(project.path('oci'))).toBe(false);
      project.write({ 'app.js': app(0) });
      deployed(project.stack(['deploy']));
    } finally {
      project.remove();
    }
  },
  MINUTE,
);

test(
  'an error shows the line of the script that failed',
  () => {
    const project = projectOf(
      "new Layer(app, 'x', { from: base, run: ['cd /data', 'echo $PWD', 'cat no-such-file', 'true'] });\n",
    );
    try {
      const { stderr } = project.stack(['deploy']);
      expect(stderr).toMatch(/the script exited with status 1 in line 3; its last command was: cat no-such-file/);
    } finally {
      project.remove();
    }
  },
  MINUTE,
);
