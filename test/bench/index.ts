import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { compare, measure, median, type Comparison, type Run } from './measure';

const STACK = path.resolve(__dirname, '../../bin/stack');
const PAIRS = Number(process.env['BENCH_PAIRS'] ?? 5);
/** Bytes of the tree that is packed. */
const TREE_SIZE = Number(process.env['BENCH_SIZE'] ?? 1_000_000_000);
/** Real files of any Debian, in this order until the tree is large enough. */
const SOURCES = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/share/doc',
  '/usr/include',
  '/usr/bin',
  '/usr/lib',
  '/usr/share',
];

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-bench-'));
const tree = path.join(work, 'tree');
const env = { ...process.env, STACK_HOME: path.join(work, 'store') };

function makeTree(): number {
  let room = TREE_SIZE;
  let files = 0;
  const copy = (from: string, to: string): void => {
    fs.mkdirSync(to, { recursive: true });
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
      const source = path.join(from, entry.name);
      if (room <= 0) return;
      if (entry.isDirectory()) copy(source, path.join(to, entry.name));
      if (!entry.isFile() || fs.existsSync(path.join(to, entry.name))) continue;
      const { size } = fs.statSync(source);
      if (size > room) continue;
      fs.copyFileSync(source, path.join(to, entry.name));
      room -= size;
      files += 1;
    }
  };
  for (const source of SOURCES) if (fs.existsSync(source)) copy(source, path.join(tree, source));
  return files;
}

function project(name: string, app: string): string {
  const directory = path.join(work, name);
  fs.mkdirSync(path.join(directory, 'node_modules'), { recursive: true });
  fs.symlinkSync(path.resolve(__dirname, '../..'), path.join(directory, 'node_modules/cdk-stack'));
  fs.writeFileSync(path.join(directory, 'cdk-stack.json'), '{ "app": "node app.js" }');
  fs.writeFileSync(path.join(directory, 'app.js'), app);
  return directory;
}

function reset(): void {
  for (const name of ['store', 'out']) fs.rmSync(path.join(work, name), { recursive: true, force: true });
  fs.mkdirSync(path.join(work, 'out'));
  spawnSync('sync');
}

function row(what: string, { ours, theirs, ratio }: Comparison, peer: string): void {
  console.log(
    `${what.padEnd(28)} ratio ${ratio.toFixed(2)}   ours ${seconds(ours)}, peak ${megabytes(ours)}   ${peer} ${seconds(theirs)}, peak ${megabytes(theirs)}`,
  );
}

function seconds(run: Run): string {
  return `${run.wall.toFixed(2)} s`;
}

function megabytes(run: Run): string {
  return `${run.peak.toFixed(0)} MB`;
}

function packing(): void {
  const files = makeTree();
  console.log(
    `a tree of ${String(files)} files, ${(TREE_SIZE / 1e6).toFixed(0)} MB; medians of ${String(PAIRS)} pairs; ${String(os.availableParallelism())} processors\n`,
  );
  const directory = project(
    'packing',
    `const { App, Layer } = require('cdk-stack');\nnew Layer(new App(), 'tree', { imports: [{ source: ${JSON.stringify(tree)}, dest: '/' }] });\n`,
  );
  execFileSync(STACK, ['synth', '--quiet'], { cwd: directory, env });
  const deploy = (format: string): (() => Run) => {
    return () =>
      measure(
        `cd ${directory} && ${STACK} deploy --quiet -a synth.out --format ${format} --to oci:${work}/out/oci`,
        env,
      );
  };
  const out = path.join(work, 'out');
  row(
    'pack as tar+zstd',
    compare(deploy('tar'), () => measure(`tar -C ${tree} -cf - . | zstd -3 -T0 -q -o ${out}/tar.zst`), PAIRS, reset),
    'tar | zstd -3 -T0',
  );
  const squash = `mksquashfs ${tree} ${out}/squashfs -comp zstd -Xcompression-level 3 -noappend -no-progress -quiet`;
  row(
    'pack as squashfs with verity',
    compare(deploy('squashfs'), () => measure(squash), PAIRS, reset),
    'mksquashfs zstd 3',
  );
  sizes(directory, out, squash);
}

function sizes(directory: string, out: string, squash: string): void {
  reset();
  measure(
    `cd ${directory} && ${STACK} deploy --quiet -a synth.out --format tar --format squashfs --to oci:${out}/oci`,
    env,
  );
  measure(`tar -C ${tree} -cf - . | zstd -3 -T0 -q -o ${out}/tar.zst && ${squash}`);
  const blobs = path.join(out, 'oci/blobs/sha256');
  const [ours = 0, oursToo = 0] = fs
    .readdirSync(blobs)
    .map((name) => fs.statSync(path.join(blobs, name)).size)
    .sort((a, b) => b - a);
  const theirs = ['tar.zst', 'squashfs'].map((name) => fs.statSync(path.join(out, name)).size).sort((a, b) => b - a);
  console.log(`blob sizes, larger first      ours ${String(ours)} ${String(oursToo)}   theirs ${theirs.join(' ')}\n`);
}

function nothingToDo(): void {
  const layers = 100;
  const directory = project(
    'nothing',
    `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layers = Array.from({ length: ${String(layers)} }, (_, i) => new Layer(app, 'layer' + i, { imports: [{ source: 'file', dest: '/file' + i }] }));
new StackedImage(app, 'combined', layers);\n`,
  );
  fs.writeFileSync(path.join(directory, 'file'), 'content\n');
  reset();
  const stack = (args: string): Run => measure(`cd ${directory} && ${STACK} ${args} --quiet`, env);
  const repeat = (args: string): number => median(Array.from({ length: PAIRS }, () => stack(args).wall));
  stack('deploy');
  const bare = median(Array.from({ length: PAIRS }, () => measure(`cd ${directory} && node app.js`, env).wall));
  const synth = repeat('synth');
  const deploy = repeat('deploy');
  console.log(`an app of ${String(layers)} layers and their combination: node app.js ${bare.toFixed(2)} s`);
  console.log(
    `stack synth                   ${synth.toFixed(2)} s, ${(synth - bare).toFixed(2)} s beyond the app itself`,
  );
  console.log(
    `stack deploy, nothing to do   ${deploy.toFixed(2)} s, ${(deploy - bare).toFixed(2)} s beyond the app itself`,
  );
  const version = median(Array.from({ length: PAIRS }, () => measure(`${STACK} --version`).wall));
  console.log(`stack --version               ${version.toFixed(2)} s`);
}

try {
  packing();
  nothingToDo();
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
