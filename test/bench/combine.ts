import * as fs from 'node:fs';
import * as path from 'node:path';
import { measure, medianWall, summary, type Run } from './measure';
import { line, type Workplace } from './workplace';

const IMAGES = (process.env['BENCH_IMAGES'] ?? '2,20,100').split(',').map(Number);
const FILES = 10_000;
/** Files of every image that all have in common. */
const SHARED = 100;
/** It copies one image after the other, which takes minutes for more. */
const MAX_COPIED = 20;
/** Runtimes mount no more of them, so that a combination of more is refused. */
const MAX_SQUASHFS = 35;

/**
 * Combining images that exist in a layout, in either format as far as it can be mounted, against copying them into one with
 * buildah. Aim for 100, which have a million paths: less than 1 s beyond a deploy of one image with a conflict check, 0.1 s where
 * its outcome is known.
 */
export function combine(workplace: Workplace, rounds: number): void {
  const directory = workplace.project(APP);
  makeFiles(path.join(directory, 'files'), FILES - SHARED);
  makeFiles(path.join(directory, 'shared'), SHARED);
  for (let first = 0; first < Math.max(...IMAGES); first += 20) {
    workplace.inProject(`FIRST=${String(first)} ${workplace.command('deploy --quiet --all --to oci:images')}`);
  }
  let count = 0;
  const run = (images: number, format: string, rule = count): Run => {
    const variables = { IMAGES: images, FORMAT: format, RULE: rule, RUN: count++ };
    const environment = Object.entries(variables).map(([name, value]) => `${name}=${String(value)}`);
    return workplace.inProject(`${environment.join(' ')} ${workplace.command('deploy --quiet')}`);
  };
  run(1, 'tar');
  const one = medianWall(rounds, () => run(1, 'tar'));
  line('one image', `${one.toFixed(2)} s`);
  for (const images of IMAGES) {
    for (const format of images > MAX_SQUASHFS ? ['tar'] : ['tar', 'squashfs']) {
      const tell = (check: string, once: () => Run): void => {
        const { wall, peak } = summary(Array.from({ length: rounds }, once));
        const what = `${String(images)} images, ${format}, ${check}`;
        line(what, `${wall.toFixed(2)} s, ${(wall - one).toFixed(2)} s beyond one, peak ${peak.toFixed(0)} MB`);
      };
      run(images, format);
      tell('new check', () => run(images, format));
      const known = count - 1;
      tell('known check', () => run(images, format, known));
    }
    if (images > MAX_COPIED) continue;
    const copied = medianWall(1, copying(workplace, directory, images));
    line(`${String(images)} images, buildah`, `${copied.toFixed(2)} s, copying, once`);
  }
}

/**
 * Makes twenty of the images, or combines those that are there; one is no combination. A rule for no path asks for another
 * check, a label for another image only.
 */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const { FIRST, IMAGES, FORMAT, RULE, RUN } = process.env;
const app = new App({ formats: FIRST ? ['tar', 'squashfs'] : [FORMAT] });
const each = (first, count, props) => Array.from({ length: count }, (_, i) => {
  const name = 'image' + (first + i);
  return new Layer(app, name, props(name));
});
if (FIRST) {
  each(Number(FIRST), 20, (name) => ({
    imports: [{ source: 'files', dest: '/opt/' + name }, { source: 'shared', dest: '/usr/share/common' }],
  }));
} else {
  const suffix = FORMAT === 'squashfs' ? '-squashfs' : '';
  const config = { labels: { run: RUN } };
  const buildOnly = IMAGES !== '1';
  const own = buildOnly ? { buildOnly } : { config };
  const images = each(0, Number(IMAGES), (name) => ({ from: 'oci:images:' + name + suffix, ...own }));
  if (buildOnly) new StackedImage(app, 'combined', images, {
    config,
    conflicts: { rules: [{ match: '/nowhere/' + RULE, policy: 'last-wins' }] },
  });
}
`;

function makeFiles(directory: string, files: number): void {
  for (let i = 0; i < files; i += 1) {
    const parent = path.join(directory, `d${String(i % 100)}`);
    fs.mkdirSync(parent, { recursive: true });
    fs.writeFileSync(path.join(parent, `file-${String(i)}`), `content ${String(i)}\n`);
  }
}

/** The images of buildah are built before; only the combination is measured. */
function copying(workplace: Workplace, inputs: string, images: number): () => Run {
  const work = workplace.path('buildah');
  fs.mkdirSync(path.join(work, 'tmp'), { recursive: true });
  const build = (name: string, containerfile: string): Run => {
    const file = path.join(work, name);
    fs.writeFileSync(file, containerfile);
    const options = `--root ${work}/root --runroot ${work}/runroot --storage-driver overlay`;
    const command = `buildah ${options} build --quiet --no-cache --isolation chroot --pull=never --tag ${name} --file ${file} ${inputs}`;
    // In a mount namespace of its own, so that no mount outlives it.
    return measure(`unshare --mount ${command} > /dev/null`, { ...process.env, TMPDIR: path.join(work, 'tmp') });
  };
  const names = Array.from({ length: images }, (_, i) => `image${String(i)}`);
  for (const name of names) {
    build(name, `FROM scratch\nCOPY files /opt/${name}\nCOPY shared /usr/share/common\n`);
  }
  const all = `FROM scratch\n${names.map((name) => `COPY --from=localhost/${name} / /\n`).join('')}`;
  return () => build('combined', all);
}
