import * as fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { writeLayout } from './hand-made';
import { Project } from './installed';
import { Mounts } from './mounts';
import { Dice, layerTar, overlayArchive, RandomLayers, type Member } from './random-layers';
import { linesOf, listTree, type Listed } from './tree-listing';

const SEED = Number(process.env['STACK_SEED'] ?? 1 + Math.floor(Math.random() * 1_000_000_000));
const RUNS = Number(process.env['STACK_RUNS'] ?? 25);
const HOW = `(STACK_SEED=${String(SEED)}, ${String(RUNS)} runs)`;
const LAYERS = 3;
const EPOCH = 315_532_800;
jest.setTimeout(60_000 + RUNS * 4000);

const SQUASHFS = 'application/vnd.stacker.image.layer.squashfs+zstd';
const FORMATS = `formats: ['tar', 'squashfs'], tar: { compression: 'gzip' }`;

let project: Project;
let mounts: Mounts;
beforeEach(() => {
  project = Project.create('');
  mounts = new Mounts();
});
afterEach(() => {
  mounts.end();
  project.remove();
});

/** Each image converted by one deploy. */
function convert(names: readonly string[]): void {
  const layers = names.map((name) => `new Layer(app, '${name}', { from: 'oci:bases:${name}' });`);
  project.write({
    'app.js': `const { App, Layer } = require('cdk-stack');
      const app = new App({ ${FORMATS} });
      ${layers.join('\n')}`,
  });
  const { status, stderr } = project.stack(['deploy', '--to', 'oci:./oci']);
  expect({ status, stderr: status === 0 ? '' : stderr.slice(-2000) }).toEqual({ status: 0, stderr: '' });
}

function randomImage(seed: number, described: number): readonly (readonly Member[])[] {
  const layers = new RandomLayers(new Dice(seed), described);
  return Array.from({ length: LAYERS }, () => layers.layer());
}

/** What the kernel shows of an image of filesystem images. */
function mounted(layout: string, name: string): readonly Listed[] {
  const { layers } = project.layout(layout).manifest(name);
  const lowers = layers.map(({ digest }) => mounts.squashfs(project.layout(layout).blob(digest)));
  return listTree(mounts.overlay(...lowers));
}

/** What umoci unpacks of an image of tars. */
function unpacked(layout: string, name: string): readonly Listed[] {
  const bundle = project.path(`bundle-${layout}-${name}`);
  asRoot('umoci', 'unpack', '--image', `${project.path(layout)}:${name}`, bundle);
  const listed = listTree(path.join(bundle, 'rootfs'));
  asRoot('rm', '-rf', bundle);
  return listed;
}

/** What is different, with what the image was made of. */
function differences(seed: number, actual: readonly Listed[], expected: readonly Listed[], layers: unknown): string[] {
  const now = Date.now() / 1000 - 3600;
  const times = new Set([...actual, ...expected].flatMap(({ time }) => (time > now || time === EPOCH ? [time] : [])));
  // A directory that no layer describes has another time for each of those who look at it.
  const fresh = new Set([...actual, ...expected].flatMap((each) => (times.has(each.time) ? [each.path] : [])));
  const lines = (listed: readonly Listed[]): string[] =>
    listed.flatMap((each) => linesOf([each], () => fresh.has(each.path)));
  const [a, b] = [lines(actual), lines(expected)];
  const found = [
    ...a.filter((line) => !b.includes(line)).map((line) => `+ ${line}`),
    ...b.filter((line) => !a.includes(line)).map((line) => `- ${line}`),
  ];
  return found.length === 0 ? [] : [`seed ${String(seed)}`, ...found, JSON.stringify(layers)];
}

const shown = (layers: readonly (readonly Member[])[]): string[][] =>
  layers.map((layer) =>
    layer.map(({ kind, path: at, target }) => `${kind} /${at}${target === '' ? '' : ` -> ${target}`}`),
  );

test(`a tar image that leaves out directories looks the same as filesystem images ${HOW}`, () => {
  const images = Array.from({ length: RUNS }, (_, at) => ({ name: `i${String(at)}`, seed: SEED + at }));
  for (const { name, seed } of images) {
    const tars = randomImage(seed, 0.4).map((layer, at) => {
      const file = project.path(`${name}-${String(at)}.tar`);
      fs.writeFileSync(file, layerTar(layer));
      return file;
    });
    writeLayout(project.path('bases'), name, tars);
  }
  convert(images.map(({ name }) => name));
  const wrong = images.flatMap(({ name, seed }) => {
    const found = differences(
      seed,
      mounted('oci', `${name}-squashfs`),
      unpacked('bases', name),
      shown(randomImage(seed, 0.4)),
    );
    mounts.end();
    mounts = new Mounts();
    return found;
  });
  expect(wrong).toEqual([]);
});

test(`an image of mksquashfs looks the same as tars ${HOW}`, () => {
  const images = Array.from({ length: RUNS }, (_, at) => ({ name: `i${String(at)}`, seed: SEED + at }));
  for (const { name, seed } of images) {
    const blobs = randomImage(seed, 1).map((layer, at) => {
      const file = project.path(`${name}-${String(at)}.squashfs`);
      execFileSync(
        'mksquashfs',
        ['-', file, '-tar', '-quiet', '-no-progress', '-comp', 'zstd', '-noappend', '-root-mode', '755'],
        {
          input: overlayArchive(layer),
          stdio: ['pipe', 'ignore', 'ignore'], // it says that the root directory has no name
        },
      );
      return file;
    });
    writeLayout(project.path('bases'), name, blobs, SQUASHFS);
  }
  convert(images.map(({ name }) => name));
  const wrong = images.flatMap(({ name, seed }) => {
    const expected = mounted('bases', name).filter(({ kind }) => kind !== 'listed');
    const found = differences(seed, unpacked('oci', name), expected, shown(randomImage(seed, 1)));
    mounts.end();
    mounts = new Mounts();
    return found;
  });
  expect(wrong).toEqual([]);
});
