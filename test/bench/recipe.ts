import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { debianBase } from '../e2e/debian-base';
import { layoutTags } from './layout-tags';
import { compare, type Contender } from './measure';
import { buildah } from './recipe-buildah';
import { ours } from './recipe-ours';
import { umoci } from './recipe-umoci';
import { downloadDebs } from './debs';
import { row, type Workplace } from './workplace';

/** One way to build the recipe: its directory in the workplace has base.tar, debs/kernel, debs/ovmf and source. */
export interface Builder extends Omit<Contender, 'reset'> {
  /** Path of the layout it publishes to. */
  readonly layout: string;
  /** Forgets all that was built. */
  readonly forget: () => void;
}

const KERNEL = `linux-image-cloud-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
const FILES = 2000;
const FILE_SIZE = 25_000;

/**
 * The recipe of the template stacker-seed, from packages in a directory and with one more image of a source tree: built
 * cold, built after a file of the source has changed, and built again.
 */
export function recipe(workplace: Workplace, rounds: number): void {
  if (process.getuid?.() !== 0) throw new Error('the recipe needs root: buildah and the chroots for umoci run as root');
  const base = debianBase();
  const inputs = workplace.path('inputs');
  for (const [directory, name] of [['kernel', KERNEL] as const, ['ovmf', 'ovmf'] as const]) {
    downloadDebs(base, path.join(inputs, 'debs', directory), name);
  }
  fs.copyFileSync(base, path.join(inputs, 'base.tar'));
  makeSource(base, path.join(inputs, 'source'));
  const [own, ...peers] = [ours(workplace, inputs), buildah(workplace, inputs), umoci(workplace, inputs)] as const;
  const all = [own, ...peers];
  const measured = (what: string, reset: (builder: Builder) => void): void => {
    const [first, ...others] = all.map((builder) => ({ ...builder, reset: () => reset(builder) }));
    for (const each of compare(first!, others, rounds)) row(what, each);
  };

  console.log(
    `${KERNEL} and ovmf, a source of ${String(FILES)} files, ${String((FILES * FILE_SIZE) / 1e6)} MB; ours ${own.name}`,
  );
  measured('recipe, cold', (builder) => {
    builder.forget();
  });
  for (const { name, layout } of all) {
    const tags = layoutTags(layout).join(' ');
    if (tags !== 'combined kernel ovmf service') throw new Error(`${name} published '${tags}'`);
  }
  let revision = 0;
  measured('rebuild, one changed import', () => {
    fs.writeFileSync(path.join(inputs, 'source/d7/f7'), `revision ${String(++revision)}\n`);
    workplace.clear();
  });
  measured('nothing to do', () => {
    workplace.clear();
  });
}

/** Cuts real bytes into small files. */
function makeSource(base: string, source: string): void {
  const bytes = fs.openSync(base, 'r');
  const buffer = Buffer.alloc(FILE_SIZE);
  for (let i = 0; i < FILES; i++) {
    const directory = path.join(source, `d${String(i % 20)}`);
    fs.mkdirSync(directory, { recursive: true });
    fs.readSync(bytes, buffer, 0, FILE_SIZE, i * FILE_SIZE);
    fs.writeFileSync(path.join(directory, `f${String(i)}`), buffer);
  }
  fs.closeSync(bytes);
  execFileSync('sync');
}
