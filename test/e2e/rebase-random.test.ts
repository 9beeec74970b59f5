import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { StackError } from '../../lib/core';
import { rebase } from '../../lib/toolkit';
import { writeLayout, writeTar } from './hand-made';
import { Project } from './installed';

const MINUTE = 60_000;
const SEED = Number(process.env['STACK_SEED'] ?? Math.floor(Math.random() * 1e9));
const RUNS = Number(process.env['STACK_RUNS'] ?? 20);

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a system is, thing by thing: `file PATH`, `user NAME`, `package NAME`. What is not there is not in it. */
type System = ReadonlyMap<string, string>;

const FILES = ['etc/a', 'etc/b', 'usr/bin/x', 'usr/bin/y', 'usr/lib/d/one', 'usr/lib/d/two', 'srv/deep/er/file'];
const KEYS = [
  ...FILES.map((name) => `file ${name}`),
  ...[0, 1, 2, 3, 4].map((number) => `user u${String(number)}`),
  ...[0, 1, 2, 3].map((number) => `package p${String(number)}`),
];
const kindOf = (key: string): string => key.slice(0, key.indexOf(' '));
const nameOf = (key: string): string => key.slice(key.indexOf(' ') + 1);
const namesOf = (system: System, kind: string): string[] =>
  KEYS.filter((key) => kindOf(key) === kind && system.has(key)).map(nameOf);

/** The files of a system. */
function filesOf(system: System): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of namesOf(system, 'file')) files.set(name, `\0${system.get(`file ${name}`) ?? ''}`); // no text, so not merged
  const users = namesOf(system, 'user').map((name) => {
    return `${name}:x:50${name.slice(1)}:50${name.slice(1)}::/:${system.get(`user ${name}`) ?? ''}\n`;
  });
  files.set('etc/passwd', ['root:x:0:0::/root:/bin/sh\n', ...users].join(''));
  const stanzas = namesOf(system, 'package').map((name) => {
    const version = system.get(`package ${name}`) ?? '';
    return `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nVersion: ${version}\nDescription: x\n\n`;
  });
  files.set('var/lib/dpkg/status', stanzas.join(''));
  for (const name of namesOf(system, 'package')) files.set(`var/lib/dpkg/info/${name}.list`, '/.\n');
  return files;
}

function systemOf(files: ReadonlyMap<string, string>): System {
  const system = new Map<string, string>();
  for (const name of FILES) {
    const content = files.get(name);
    if (content !== undefined) system.set(`file ${name}`, content.slice(1));
  }
  for (const [, name = '', shell = ''] of (files.get('etc/passwd') ?? '').matchAll(/^(u\d):.*:(\S*)$/gm)) {
    system.set(`user ${name}`, shell);
  }
  const stanzas = (files.get('var/lib/dpkg/status') ?? '').matchAll(/^Package: (p\d)\n(?:.+\n)*?Version: (.+)$/gm);
  for (const [, name = '', version = ''] of stanzas) {
    system.set(
      files.has(`var/lib/dpkg/info/${name}.list`) ? `package ${name}` : `package without list ${name}`,
      version,
    );
  }
  return system;
}

/** The reference: thing by thing, three-way. Undefined where two sides change one thing in different ways. */
function merge(base: System, sides: readonly System[]): System | undefined {
  const merged = new Map<string, string>();
  for (const key of KEYS) {
    const changed = new Set(sides.map((side) => side.get(key)).filter((value) => value !== base.get(key)));
    if (changed.size > 1) return undefined;
    const value = changed.size === 1 ? [...changed][0] : base.get(key);
    if (value !== undefined) merged.set(key, value);
  }
  return merged;
}

interface World {
  readonly base: System;
  readonly p: System;
  readonly q: System;
  /** New bases. */
  readonly bases: readonly [System, System];
}

function worldOf(random: () => number): World {
  const chance = (of: number): boolean => random() < of;
  const value = (key: string): string => {
    const number = String(2 + Math.floor(random() * 3));
    return kindOf(key) === 'user' ? `/bin/sh${number}` : number;
  };
  const base = new Map<string, string>(
    KEYS.flatMap((key) => (chance(0.7) ? [[key, kindOf(key) === 'user' ? '/bin/sh' : '1'] as const] : [])),
  );
  const [p, q] = [new Map(base), new Map(base)];
  for (const key of KEYS) {
    if (chance(0.5)) continue;
    const side = chance(0.5) ? p : q;
    if (chance(0.3)) side.delete(key);
    else side.set(key, value(key));
  }
  const contradicts = chance(0.25);
  const newBase = (): System => {
    const next = new Map(base);
    for (const key of KEYS) {
      const mine = [p, q].map((side) => side.get(key)).find((each) => each !== base.get(key));
      const isTouched = [p, q].some((side) => side.get(key) !== base.get(key));
      if (chance(0.6)) continue;
      // That packages go away with a base is refused as such.
      const mayRemove = kindOf(key) !== 'package';
      if (isTouched && !(contradicts && chance(0.3))) {
        if (mine !== undefined) next.set(key, mine);
        else if (mayRemove) next.delete(key);
      } else if (mayRemove && chance(0.3)) next.delete(key);
      else next.set(key, value(key));
    }
    return next;
  };
  return { base, p, q, bases: [newBase(), newBase()] };
}

let project: Project;
let home: string | undefined;
beforeAll(() => {
  project = Project.create('');
  home = process.env['STACK_HOME'];
  process.env['STACK_HOME'] = project.store;
});
afterAll(() => {
  if (home === undefined) delete process.env['STACK_HOME'];
  else process.env['STACK_HOME'] = home;
  project.remove();
});

/** A layer that makes one set of files of another, with some files that are the same in both. */
function layerTar(
  name: string,
  from: ReadonlyMap<string, string>,
  to: ReadonlyMap<string, string>,
  stale: () => boolean,
): string {
  const tree = project.path('trees', name);
  fs.mkdirSync(path.join(tree, 'etc'), { recursive: true }); // of a side that changes nothing, too
  const write = (file: string, content: string): void => {
    fs.mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    fs.writeFileSync(path.join(tree, file), content);
  };
  for (const [file, content] of to) if (from.get(file) !== content || stale()) write(file, content);
  for (const file of from.keys()) {
    if (!to.has(file)) write(path.join(path.dirname(file), `.wh.${path.basename(file)}`), '');
  }
  const tar = project.path(`${name}.tar`);
  writeTar(tree, tar);
  return tar;
}

function writeWorld(name: string, { base, p, q, bases }: World, random: () => number): void {
  const made = project.path('made');
  const never = (): boolean => false;
  const stale = (): boolean => random() < 0.2;
  const files = filesOf(base);
  const below = layerTar(`${name}-base`, new Map(), files, never);
  writeLayout(made, `${name}-base`, [below]);
  for (const [letter, side] of [
    ['p', p],
    ['q', q],
  ] as const) {
    writeLayout(made, `${name}-${letter}`, [below, layerTar(`${name}-${letter}`, files, filesOf(side), stale)]);
  }
  for (const [number, each] of bases.entries()) {
    const image = `${name}-new${String(number)}`;
    const tars =
      random() < 0.5
        ? [below, layerTar(image, files, filesOf(each), stale)]
        : [layerTar(image, new Map(), filesOf(each), never)];
    writeLayout(made, image, tars);
  }
}

/** The files of an image, unpacked by tar, layer over layer. */
function unpack(layers: readonly { readonly digest: string }[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { digest } of layers) {
    const blob = project.path('oci/blobs/sha256', digest.slice('sha256:'.length));
    const directory = fs.mkdtempSync(project.path('unpacked-'));
    execFileSync('tar', ['-xf', blob, '-C', directory]);
    const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
    const isMark = (file: string): boolean => path.basename(file).startsWith('.wh.');
    for (const mark of names.filter(isMark)) {
      const gone = path.join(path.dirname(mark), path.basename(mark).slice('.wh.'.length));
      for (const file of [...files.keys()]) if (file === gone || file.startsWith(`${gone}/`)) files.delete(file);
    }
    for (const file of names.filter((each) => !isMark(each))) {
      const place = path.join(directory, file);
      if (fs.statSync(place).isFile()) files.set(file, fs.readFileSync(place, 'utf8'));
    }
    fs.rmSync(directory, { recursive: true });
  }
  return files;
}

function digestOf(name: string): string | undefined {
  const { manifests } = project.layout().index;
  return manifests.find((each) => each.annotations?.['org.opencontainers.image.ref.name'] === name)?.digest;
}

/** A later base may have earlier packages than the one before. */
async function onBase(name: string, base: string, allowDowngrade = true): Promise<string> {
  const options = { image: `oci:./oci:${name}`, by: `oci:./made:${base}`, directory: project.directory };
  return (await rebase({ ...options, allowDowngrade, listener: () => undefined })).digest;
}

/** The codes of refusals that are about two changes of one thing. */
const CONFLICT = /^STACK50(1[0-9]|2[0-5]|33)$/;

test(
  `what a rebase gives is the merge of what base and components changed: ${String(RUNS)} worlds of seed ${String(SEED)}`,
  async () => {
    const worlds = Array.from({ length: RUNS }, (_, number) => {
      const name = `w${String(number)}`;
      const random = randomOf(SEED + number);
      const world = worldOf(random);
      writeWorld(name, world, random);
      return { name, world };
    });
    project.write({
      'app.js': `const { App, PublishedImage, StackedImage } = require('cdk-stack');
const app = new App();
for (const name of ${JSON.stringify(worlds.map(({ name }) => name))}) {
  const part = (letter) => PublishedImage.fromLayout(app, name + '-' + letter, './made:' + name + '-' + letter);
  new StackedImage(app, name, [part('p'), part('q')]);
}`,
    });
    expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
    let [merged, refused] = [0, 0];
    for (const { name, world } of worlds) {
      const where = `world ${name} of seed ${String(SEED)}`;
      const layersNow = (): readonly { digest: string }[] => project.layout().manifest(name).layers;
      const { base, p, q, bases } = world;
      const original = digestOf(name);
      expect([where, systemOf(unpack(layersNow()))]).toEqual([where, merge(base, [p, q])]);
      const reached: (string | undefined)[] = [];
      for (const [number, each] of bases.entries()) {
        const wanted = merge(base, [each, p, q]);
        const onto = `${name}-new${String(number)}`;
        const outcome = await onBase(name, onto, number > 0).catch((error: unknown) => error);
        if (wanted === undefined) {
          refused += 1;
          expect([where, StackError.is(outcome) && CONFLICT.test(outcome.code) ? 'refused' : outcome]).toEqual([
            where,
            'refused',
          ]);
          continue;
        }
        merged += 1;
        expect([where, typeof outcome === 'string' ? 'rebased' : outcome]).toEqual([where, 'rebased']);
        reached[number] = outcome as string;
        expect([where, systemOf(unpack(layersNow()))]).toEqual([where, wanted]);
        expect([where, await onBase(name, onto)]).toEqual([where, outcome]);
      }
      expect([where, await onBase(name, `${name}-base`)]).toEqual([where, original]);
      if (reached[1] !== undefined) {
        // From the old base, without the base between.
        expect([where, await onBase(name, `${name}-new1`)]).toEqual([where, reached[1]]);
      }
    }
    expect(merged).toBeGreaterThan(RUNS / 2);
    expect(merged + refused).toBe(2 * RUNS);
  },
  (1 + RUNS / 10) * MINUTE,
);
