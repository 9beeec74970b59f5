import * as fs from 'node:fs';
import { debianBase } from './debian-base';
import { DebianRepository } from './debian-repository';
import { Project } from './installed';
import { differences, imageTree, inImage, run } from './oracle/image-tree';

const MINUTE = 60_000;

/**
 * P and Q on the old base, combined; and what a rebase has to give: P, then Q, installed on the new base. The new base has another
 * version of a package, a new system user, a program that was patched, libraries and alternatives of its own.
 */
const APP = `const { App, Layer, PublishedImage, StackedImage } = require('cdk-stack');
const { pool, scripts } = require('./world.json');
const app = new App();
const layer = (id, from, run, lane) => new Layer(app, id, {
  from, run, network: 'none', clean: true, idLane: lane ?? false, binds: [{ source: pool, dest: '/pool' }],
});
const old = layer('old', new Layer(app, 'system', { from: 'tar:base.tar', buildOnly: true }), scripts.old);
const parts = [layer('p', old, scripts.p, 1), layer('q', old, scripts.q, 2)];
new StackedImage(app, 'combined', parts);
const newer = layer('newer', old, scripts.newer);
layer('sequence', layer('p-on-newer', newer, scripts.p, 1), scripts.q, 2);
PublishedImage.fromLayout(app, 'rebased', './oci:combined');
PublishedImage.fromLayout(app, 'newer-base', './oci:newer');
`;

const LIBRARY = (name: string): string =>
  `cp "$(readlink -f /usr/lib/*-linux-gnu/${name})" /usr/local/lib/${name} && ldconfig`;
const scripts = {
  old: ['dpkg -i /pool/pool/tool_1.0_all.deb', 'echo vulnerable > /usr/bin/program', 'chmod 755 /usr/bin/program'],
  newer: [
    'dpkg -i /pool/pool/tool_2.0_all.deb /pool/pool/more_1.0_all.deb',
    'adduser --system --group --no-create-home newuser',
    'echo patched > /usr/bin/program',
    'update-alternatives --install /usr/bin/choice choice /usr/bin/program 5',
    LIBRARY('libbz2.so.1.0'),
  ],
  p: [
    'dpkg -i /pool/pool/alpha_1.0_all.deb',
    'adduser --system --group --no-create-home alpha',
    'update-alternatives --install /usr/bin/choice choice /usr/bin/alpha 10',
    LIBRARY('libz.so.1'),
  ],
  q: [
    'dpkg -i /pool/pool/beta_1.0_all.deb',
    'adduser --system --group --no-create-home beta',
    'update-alternatives --install /usr/bin/choice choice /usr/bin/beta 7',
    LIBRARY('liblzma.so.5'),
  ],
};

let project: Project;
let oldDigest: string;
beforeAll(() => {
  project = Project.create(APP);
  const repository = new DebianRepository(project.path('pool'));
  for (const [name, version] of [
    ['tool', '1.0'],
    ['tool', '2.0'],
    ['more', '1.0'],
    ['alpha', '1.0'],
    ['beta', '1.0'],
  ] as const) {
    repository.add({ name, version, files: { [`usr/bin/${name}`]: `${name} ${version}\n` } });
  }
  project.write({ 'world.json': JSON.stringify({ pool: project.path('pool'), scripts }) });
  fs.symlinkSync(debianBase(), project.path('base.tar'));
  run(project, ['deploy', 'old', 'combined', 'newer', 'sequence']);
  oldDigest = digestNow();
}, 5 * MINUTE);
afterAll(() => {
  project.remove();
});

function digestNow(): string {
  const { index } = project.layout();
  const entry = index.manifests.find((each) => each.annotations?.['org.opencontainers.image.ref.name'] === 'combined');
  return entry?.digest ?? '';
}

test(
  'a rebased combination of Debian packages is what installing them on the new base gives',
  () => {
    run(project, ['rebase', 'oci:./oci:combined', 'oci:./oci:newer']);
    const rebased = digestNow();
    expect(inImage(project, 'rebased', 'dpkg-query --show tool more alpha beta; cat /usr/bin/program')).toBe(
      'alpha\t1.0\nbeta\t1.0\nmore\t1.0\ntool\t2.0\npatched\n',
    );
    expect(inImage(project, 'rebased', 'cat /etc/passwd')).toMatch(/^newuser:[^]*^alpha:[^]*^beta:/m);
    const [tree, wanted] = [imageTree(project, 'rebased'), imageTree(project, 'sequence')];
    expect(wanted.size).toBeGreaterThan(5000);
    expect(differences(tree, wanted)).toEqual([]);
    expect(inImage(project, 'rebased', 'dpkg --audit; dpkg --verify')).toBe(
      inImage(project, 'sequence', 'dpkg --verify'),
    );

    run(project, ['rebase', 'oci:./oci:combined', 'oci:./oci:newer']);
    expect(digestNow()).toBe(rebased);
    run(project, ['rebase', 'oci:./oci:combined', 'oci:./oci:old', '--allow-downgrade']);
    expect(digestNow()).toBe(oldDigest);
  },
  3 * MINUTE,
);
