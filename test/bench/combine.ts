import * as fs from 'node:fs';
import * as path from 'node:path';
import { measure, medianWall, type Run } from './measure';
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
 * Combining images that are built already, in both formats as far as they can be mounted, against copying them into one with buildah. Aim for 100: less
 * than 1 s beyond the start of app and command with a conflict check, 0.1 s where its outcome is known.
 */
export function combine(workplace: Workplace, rounds: number): void {
  const directory = workplace.project(APP);
  makeFiles(path.join(directory, 'files'), FILES - SHARED);
  makeFiles(path.join(directory, 'shared'), SHARED);
  let count = 0;
  let last = 'label';
  /** @param change of the combination since the last run */
  const run = (images: number, command: string, change: 'label' | 'rule' | 'nothing'): Run => {
    if (change !== 'nothing') {
      count += 1;
      last = change;
    }
    return workplace.inProject(
      `IMAGES=${String(images)} CHANGE=${last} RUN=${String(count)} ${workplace.command(command)}`,
    );
  };
  for (const images of IMAGES) {
    run(images, 'deploy --quiet', 'label');
    const start = medianWall(rounds, () => run(images, 'synth --quiet', 'nothing'));
    console.log(`${String(images)} images of ${String(FILES)} files: stack synth ${start.toFixed(2)} s`);
    const tell = (what: string, change: 'label' | 'rule' | 'nothing'): void => {
      const peaks: number[] = [];
      const wall = medianWall(rounds, () => {
        const each = run(images, 'deploy --quiet', change);
        peaks.push(each.peak);
        return each;
      });
      const beyond = (wall - start).toFixed(2);
      line(what, `${wall.toFixed(2)} s, ${beyond} s beyond synth, peak ${Math.max(...peaks).toFixed(0)} MB`);
    };
    tell('nothing to do', 'nothing'); // looks at the sources, as all others do
    tell('new conflict check', 'rule');
    tell('known conflict check', 'label');
    if (images > MAX_COPIED) continue;
    const copied = medianWall(rounds, copying(workplace, directory, images));
    line('buildah, copying', `${copied.toFixed(2)} s`);
  }
}

/** A rule for no path asks for another check, a label for another combination only. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const { IMAGES, CHANGE, RUN } = process.env;
const app = new App({ formats: Number(IMAGES) > ${String(MAX_SQUASHFS)} ? ['tar'] : ['tar', 'squashfs'] });
const images = Array.from({ length: Number(IMAGES) }, (_, i) => new Layer(app, 'image' + i, {
  imports: [{ source: 'files', dest: '/opt/image' + i }, { source: 'shared', dest: '/usr/share/common' }],
}));
new StackedImage(app, 'combined', images, {
  config: { labels: { run: RUN } },
  conflicts: { rules: CHANGE === 'rule' ? [{ match: '/nowhere/' + RUN, policy: 'last-wins' }] : [] },
});
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
