import * as fs from 'node:fs';
import { debianBase } from './debian-base';
import { Project } from './installed';
import { changeOf, chosenPairs, imageOf, laneOf, type EverydayPair } from './oracle/everyday';
import { differences, imageTree, inImage, run, type ImageTree } from './oracle/image-tree';
import { packagePool, POOL, POOL_ENVIRONMENT } from './oracle/package-pool';

const MINUTE = 60_000;

/** Each set on the base, each pair combined, and the second set of each on top of the first. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const { pool, env, sets, pairs } = require('./pairs.json');
const app = new App();
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
const layer = (id, from, { run, idLane }) => new Layer(app, id, {
  from, run, idLane, network: 'none', clean: true, binds: [{ source: pool, dest: '${POOL}' }], buildEnv: env,
});
const made = Object.fromEntries(sets.map((set) => [set.image, layer(set.image, base, set)]));
for (const { name, p, q } of pairs) {
  new StackedImage(app, name + '.combined', [made[p], made[q]]);
  layer(name + '.sequence', made[p], sets.find(({ image }) => image === q));
}
`;

const pairs = chosenPairs();
const sets = [...new Set(pairs.flatMap(({ p, q }) => [p, q]))];

function nameOf({ p, q }: EverydayPair): string {
  return `${imageOf(p)}-with-${imageOf(q)}`;
}

let project: Project;

beforeAll(() => {
  const base = debianBase();
  const pool = packagePool(
    base,
    sets.map((set) => changeOf(set).packages),
  );
  const described = {
    pool,
    env: POOL_ENVIRONMENT,
    sets: sets.map((set) => ({
      image: imageOf(set),
      idLane: laneOf(set),
      run: `apt-get update && apt-get install ${changeOf(set).packages.join(' ')}`,
    })),
    pairs: pairs.map((pair) => ({ name: nameOf(pair), p: imageOf(pair.p), q: imageOf(pair.q) })),
  };
  project = Project.create(APP, { 'pairs.json': JSON.stringify(described) });
  fs.symlinkSync(base, project.path('base.tar'));
  const sequences = pairs.filter(({ refusal }) => refusal === undefined).map((pair) => `${nameOf(pair)}.sequence`);
  run(project, ['deploy', ...sets.map(imageOf), ...sequences]);
}, 20 * MINUTE);

afterAll(() => {
  project.remove();
});

/** What packages an image has, by its own tools, which find nothing wrong. */
const INSTALLED =
  "dpkg --audit && apt-get --quiet=2 check && dpkg-query --show --showformat '${binary:Package} ${Version}\\n'";

/** What is made at random wherever its package is installed: all but the content must be the same. */
const RANDOM = /^\/etc\/ssh\/ssh_host_|\/ssl-cert-snakeoil\.(key|pem)$/;

function comparable(tree: ImageTree): ImageTree {
  return new Map(
    [...tree].map(([file, entry]) => [file, RANDOM.test(file) ? entry.replace(/[0-9a-f]{64}$/, '') : entry]),
  );
}

describe('a combination of everyday packages', () => {
  it.each(pairs.filter(({ refusal }) => refusal === undefined))(
    '$p with $q is what installing one after the other gives',
    (pair) => {
      const [combined, sequence] = [`${nameOf(pair)}.combined`, `${nameOf(pair)}.sequence`];
      run(project, ['deploy', combined]);
      expect(inImage(project, combined, INSTALLED)).toBe(inImage(project, sequence, INSTALLED));
      const tree = imageTree(project, combined);
      expect(tree.size).toBeGreaterThan(5000);
      expect(differences(comparable(tree), comparable(imageTree(project, sequence)))).toEqual([]);
      if (pair.check !== undefined) inImage(project, combined, pair.check);
    },
    3 * MINUTE,
  );

  it.each(pairs.filter(({ refusal }) => refusal !== undefined))(
    '$p with $q is refused, for the reason that there is',
    (pair) => {
      const { status, stderr } = project.stack(['deploy', `${nameOf(pair)}.combined`, '--to', 'oci:./none']);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(pair.refusal ?? /^$/);
      expect(fs.existsSync(project.path('none/index.json'))).toBe(false);
    },
    MINUTE,
  );
});
