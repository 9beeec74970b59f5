import * as fs from 'node:fs';
import { debianBase } from './debian-base';
import { Project } from './installed';
import { differences, imageTree, inImage, run, type ImageTree } from './oracle/image-tree';
import { packagePool, POOL, POOL_ENVIRONMENT } from './oracle/package-pool';
import { ON_TOP, PAIRS, type Change } from './oracle/pairs';

const MINUTE = 60_000;

/**
 * For each pair: P and Q on the base, both combinations of them, Q on top of P, and a package that comes and goes on top of the
 * combination. The lanes of P and of Q are the same wherever they are installed.
 */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const { pool, env, pairs, onTop } = require('./pairs.json');
const app = new App();
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
const lanes = app.node.tryGetContext('lanes') !== false;
for (const { name, p, q, conflicts } of pairs) {
  const layer = (id, from, run, lane) => new Layer(app, name + '-' + id, {
    from, run, network: 'none', clean: true, idLane: lanes && lane,
    binds: [{ source: pool, dest: '${POOL}' }], buildEnv: env,
  });
  const parts = [layer('p', base, p, 1), layer('q', base, q, 2)];
  layer('sequence', parts[0], q, 2);
  const combined = new StackedImage(app, name + '-pq', parts, { conflicts });
  new StackedImage(app, name + '-qp', [parts[1], parts[0]], { conflicts });
  layer('top', combined, onTop, 3);
}
`;

function scriptOf({ packages, script = [] }: Change): readonly string[] {
  return [`apt-get update && apt-get install ${packages.join(' ')}`, ...script];
}

const SETS = PAIRS.flatMap(({ p, q }) => [p.packages, q.packages]);

let project: Project;

beforeAll(() => {
  const base = debianBase();
  const pool = packagePool(base, [...SETS, [ON_TOP]]);
  const pairs = PAIRS.map((pair) => ({ ...pair, p: scriptOf(pair.p), q: scriptOf(pair.q) }));
  const onTop = [...scriptOf({ packages: [ON_TOP] }), `apt-get purge ${ON_TOP}`];
  project = Project.create(APP, { 'pairs.json': JSON.stringify({ pool, env: POOL_ENVIRONMENT, pairs, onTop }) });
  fs.symlinkSync(base, project.path('base.tar'));
}, 5 * MINUTE);

afterAll(() => {
  project.remove();
});

/** What packages an image has, by its own tools. */
const INSTALLED = "dpkg-query --show --showformat '${binary:Package} ${Version} ${db:Status-Abbrev}\\n'";

/** New records come last: what is installed first is in the first place, as is the first component. */
const APPENDED = [
  ...['passwd', 'group', 'shadow', 'gshadow', 'shells'].map((name) => `/etc/${name}`),
  '/var/lib/apt/extended_states',
];

/** The files of the package system that must be byte for byte as packages make them. */
function packageFiles(tree: ImageTree): ImageTree {
  const isOne = /^\/var\/lib\/dpkg\/(status|alternatives\/.*)$|^\/etc\/(alternatives\/.*|ld\.so\.cache)$/;
  return new Map([...tree].filter(([file]) => isOne.test(file)));
}

describe.each(PAIRS)('the combination of $name', ({ name }) => {
  const image = (kind: string): string => `${name}-${kind}`;
  const trees = new Map<string, ImageTree>();
  const treeOf = (kind: string): ImageTree => {
    const tree = trees.get(kind) ?? imageTree(project, image(kind));
    trees.set(kind, tree);
    return tree;
  };

  it(
    'is what installing one after the other gives',
    () => {
      run(project, ['deploy', image('pq'), image('qp'), image('sequence')]);
      expect(inImage(project, image('pq'), INSTALLED)).toBe(inImage(project, image('sequence'), INSTALLED));
      const files = packageFiles(treeOf('pq'));
      expect(files.size).toBeGreaterThan(10);
      expect(differences(files, packageFiles(treeOf('sequence')))).toEqual([]);
      expect(treeOf('pq').size).toBeGreaterThan(5000);
      expect(differences(treeOf('pq'), treeOf('sequence'))).toEqual([]);
    },
    3 * MINUTE,
  );

  it(
    'is the same in the other order, but for the order of records that tools append',
    () => {
      const isAppended = (file: string): boolean => APPENDED.includes(file);
      const without = (tree: ImageTree): ImageTree => new Map([...tree].filter(([file]) => !isAppended(file)));
      expect(differences(without(treeOf('pq')), without(treeOf('qp')))).toEqual([]);
      const lines = `for file in ${APPENDED.join(' ')}; do echo $file; sort $file; done`;
      expect(inImage(project, image('pq'), lines)).toBe(inImage(project, image('qp'), lines));
    },
    MINUTE,
  );

  it(
    'is sound in the eyes of dpkg and apt',
    () => {
      const checks = inImage(
        project,
        image('pq'),
        'set -e; dpkg --audit; dpkg --verify; apt-get --quiet=2 check; ls /var/lib/dpkg/info/*.list | wc -l; dpkg-query --show | wc -l',
      );
      const count = inImage(project, image('sequence'), 'dpkg-query --show | wc -l').trim();
      expect(checks).toBe(inImage(project, image('sequence'), 'dpkg --verify') + `${count}\n${count}\n`);
    },
    MINUTE,
  );

  it(
    'can have packages installed on top, and purged again',
    () => {
      run(project, ['deploy', image('top')]);
      expect(inImage(project, image('top'), INSTALLED)).toBe(inImage(project, image('sequence'), INSTALLED));
    },
    MINUTE,
  );
});

describe('packages that add system users without a lane', () => {
  it(
    'are not combined: the files are named that would have another owner',
    () => {
      const { status, stderr } = project.stack([
        'deploy',
        'users-pq',
        '--context',
        'lanes=false',
        '--to',
        'oci:./none',
      ]);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/user id 100 is '\w+' in users-p and 'operator2' in users-q; files: .*\/srv\/operator2/);
      expect(stderr).toMatch(/group id \d+ is '\w+' in users-p and 'plocate' in users-q; files: \/usr\/bin\/plocate/);
      expect(fs.existsSync(project.path('none/index.json'))).toBe(false);
    },
    3 * MINUTE,
  );
});
