import * as fs from 'node:fs';
import * as path from 'node:path';
import { compare, measure, type Contender } from './measure';
import { line, row, type Workplace } from './workplace';

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

/** One large tree as a layer of either format. */
export function packing(workplace: Workplace, rounds: number): void {
  const tree = workplace.path('tree');
  const files = makeTree(tree);
  console.log(`a tree of ${String(files)} files, ${(TREE_SIZE / 1e6).toFixed(0)} MB`);
  workplace.project(
    `const { App, Layer } = require('cdk-stack');\nnew Layer(new App(), 'tree', { imports: [{ source: ${JSON.stringify(tree)}, dest: '/' }] });\n`,
  );
  workplace.stack('synth --quiet');
  const out = workplace.path('out');
  const reset = (): void => {
    workplace.clear('store', 'out');
    fs.mkdirSync(out);
  };
  const deploy = (...formats: string[]): Contender => {
    const options = formats.map((format) => `--format ${format}`).join(' ');
    const run = () => workplace.stack(`deploy --quiet -a synth.out ${options} --to oci:${out}/oci`);
    return { name: 'ours', reset, run };
  };
  const tar = `tar -C ${tree} -cf - . | zstd -3 -T0 -q -o ${out}/tar.zst`;
  const squash = `mksquashfs ${tree} ${out}/squashfs -comp zstd -Xcompression-level 3 -noappend -no-progress -quiet`;
  const peer = (name: string, command: string): Contender => ({ name, reset, run: () => measure(command) });
  for (const each of compare(deploy('tar'), [peer('tar | zstd -3 -T0', tar)], rounds)) row('pack as tar+zstd', each);
  for (const each of compare(deploy('squashfs'), [peer('mksquashfs zstd 3', squash)], rounds)) {
    row('pack as squashfs with verity', each);
  }

  reset();
  deploy('tar', 'squashfs').run();
  measure(`${tar} && ${squash}`);
  const blobs = path.join(out, 'oci/blobs/sha256');
  const ours = sizes(fs.readdirSync(blobs).map((name) => path.join(blobs, name)));
  const theirs = sizes(['tar.zst', 'squashfs'].map((name) => path.join(out, name)));
  line('blob sizes, larger first', `ours ${ours}   theirs ${theirs}`);
}

function makeTree(tree: string): number {
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

/** Sizes of the two largest files. */
function sizes(files: readonly string[]): string {
  const all = files.map((file) => fs.statSync(file).size).sort((a, b) => b - a);
  return all.slice(0, 2).join(' ');
}
