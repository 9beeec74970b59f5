import * as fs from 'node:fs';
import * as path from 'node:path';
import type { BuiltImages } from '../../lib/build';
import { digestOf } from '../../lib/oci';
import { PathList } from '../../lib/pack';
import { failureOf } from '../failure';
import { hostImport, layer, stacked, Workshop, type Recipe } from './workshop';

const shop = new Workshop();
afterAll(() => {
  shop.remove();
});

function clash(conflicts?: ReturnType<typeof stacked>['conflicts']): Recipe {
  shop.write({ 1: 'first', 2: 'second' });
  return {
    images: {
      a: layer({ name: 'a', imports: [hostImport('1', '/f')] }),
      b: layer({ name: 'b', imports: [hostImport('2', '/f')] }),
      both: { ...stacked('a', 'b'), conflicts },
    },
  };
}

test('a combination whose components contradict each other is not built', async () => {
  expect(await failureOf(shop.build(clash()))).toMatchObject({
    code: 'STACK5010',
    constructPath: 'both',
    message: expect.stringMatching(/\/f: 'a' \(import \/f\) has file .*, 'b' \(import \/f\) has file /) as string,
    hint: expect.stringContaining("match: '/f'") as string,
  });
});

test('what a rule makes a warning is told by every build, and indexes are read once', async () => {
  const recipe = clash({ rules: [{ match: '/f', policy: 'warn' }] });
  const parse = jest.spyOn(PathList, 'parse');
  for (let round = 0; round < 2; round++) {
    await shop.build(recipe);
    expect(shop.events).toContainEqual(
      expect.objectContaining({ code: 'warning', id: 'content-conflict', image: 'both' }) as object,
    );
  }
  expect(parse).toHaveBeenCalledTimes(2); // of a and of b
  parse.mockRestore();
});

test('an index that is lost is made anew', async () => {
  await shop.build(clash({ default: 'warn' }));
  const records = path.join(shop.home, 'store/v1/records');
  for (const kind of ['indexes-2', 'settlements']) fs.rmSync(path.join(records, kind), { recursive: true });
  await shop.build(clash({ default: 'warn' }));
  expect(shop.events).toContainEqual(expect.objectContaining({ id: 'content-conflict' }) as object);
});

/** Says both things; names itself in a list when it is asked. */
const BOTH = `exports.default = ({ paths }) => {
  globalThis.asked = [...(globalThis.asked ?? []), ...paths];
  return { files: new Map([['f', { type: 'file', content: Buffer.from('both') }]]), problems: [] };
};`;

function asked(): string[] {
  const shared = globalThis as { asked?: string[] };
  const paths = shared.asked ?? [];
  shared.asked = [];
  return paths;
}

/** The clash, with a merger for it; each text is a module of its own, since jest loads a file once. */
function merging(module: string, how: Partial<ReturnType<typeof stacked>> = {}): Recipe {
  const name = nameOf(module);
  const recipe = clash();
  shop.write({ [name]: module, 3: 'third' });
  const mergers = [{ module: `./${name}`, paths: ['/f'] }];
  const both = { ...stacked('a', 'b'), mergers, ...how };
  return { ...recipe, images: { ...recipe.images, both } };
}

const nameOf = (module: string): string => `merger-${digestOf(module).slice(7, 15)}.js`;

const stepsOf = (images: BuiltImages, path: string, format: 'tar' | 'squashfs' = 'tar') =>
  images.get(path)?.variants.get(format)?.steps ?? [];

test('what a merger of the app makes is one layer on top, and is made once', async () => {
  asked();
  const images = await shop.build({ ...merging(BOTH), fresh: ['both'] });
  expect(asked()).toEqual(['f']);
  const steps = stepsOf(images, 'both');
  expect(steps.slice(0, 2)).toEqual([...stepsOf(images, 'a'), ...stepsOf(images, 'b')]);
  expect(steps.slice(2)).toMatchObject([
    {
      history: { created: '2001-09-09T01:46:40Z', created_by: expect.stringMatching(/^glue \.\/merger-/) as string },
      layer: { descriptor: { annotations: { 'dev.cdk-stack.glue': expect.stringMatching(/^sha256:/) as string } } },
    },
  ]);
  expect(stepsOf(await shop.build(merging(BOTH)), 'both')).toEqual(steps);
  expect(asked()).toEqual([]);
});

test('it is told when a glue layer is made, and when it is known', async () => {
  const module = `${BOTH} // of this test alone: the others, in any order, make theirs known`;
  const recipe = merging(module);
  const told = (known: boolean): object => ({
    code: 'conflicts-settled',
    image: 'both',
    paths: 1,
    by: [`./${nameOf(module)}`],
    known,
  });
  const events = (): unknown[] => shop.events.splice(0).filter(({ code }) => code === 'conflicts-settled');
  await shop.build(recipe);
  expect(events()).toEqual([told(false)]);
  await shop.build(recipe);
  expect(events()).toEqual([told(true)]);
  await shop.build(clash({ default: 'warn' }));
  expect(events()).toEqual([]);
  asked();
});

test('another format of it is packed from what is merged again, and is the same', async () => {
  const [one, two] = [new Workshop(), new Workshop()];
  const recipe = { ...merging(BOTH), formats: ['tar', 'squashfs'] as const };
  for (const each of [one, two]) each.write({ 1: 'first', 2: 'second', [nameOf(BOTH)]: BOTH });
  const whole = await one.build(recipe);
  await two.build({ ...recipe, formats: ['tar'] });
  const later = await two.build({ ...recipe, formats: ['squashfs'] });
  expect(stepsOf(later, 'both', 'squashfs')).toEqual(stepsOf(whole, 'both', 'squashfs'));
  expect(stepsOf(whole, 'both', 'squashfs')).toHaveLength(3);
  for (const each of [one, two]) each.remove();
  asked();
});

test('images on top of a combination have its glue layer, combinations of it make their own', async () => {
  const recipe = merging(BOTH);
  const { both } = recipe.images;
  if (both?.type !== 'stacked-image') throw new Error('that is a combination');
  const images = await shop.build({
    images: {
      ...recipe.images,
      c: layer({ name: 'c', imports: [hostImport('3', '/g')] }),
      top: layer({ name: 'top', from: { type: 'image', image: 'both' }, imports: [hostImport('3', '/g')] }),
      nested: { ...both, name: 'nested', components: ['both', 'c'] },
      flat: { ...both, name: 'flat', components: ['a', 'b', 'c'] },
    },
  });
  expect(stepsOf(images, 'top').slice(0, 3)).toEqual(stepsOf(images, 'both'));
  expect(stepsOf(images, 'nested')).toEqual(stepsOf(images, 'flat'));
  expect(stepsOf(images, 'nested')).toHaveLength(4);
  asked();
});

test('a merger with nothing to do is not loaded, and nor is one whose paths a rule is about', async () => {
  const broken = 'throw new Error("broken");';
  await shop.build(merging(broken, { conflicts: { rules: [{ match: '/f', policy: 'last-wins' }] } }));
  const images = await shop.build(merging(broken, { components: ['a'], glue: 'forbid' }));
  expect(stepsOf(images, 'both')).toEqual(stepsOf(images, 'a'));
});

test.each([
  ['cannot be loaded', 'throw new Error("broken  ");', /^the merger '\.\/merger-\w+\.js' cannot be loaded: broken/],
  ['has no function', 'exports.x = 1;', /exports no function 'merge'/],
  ['fails', 'exports.merge = () => { throw new Error("no"); };', /failed: no/],
  ['gives something else', 'exports.merge = () => ({ files: {} });', /gave an outcome that cannot be used: files /],
  ['gives a path that leads out', outcome("'../f', { type: 'removed' }"), /cannot be used: files/],
  ['gives a path that is a whiteout', outcome("'.wh.f', { type: 'removed' }"), /cannot be used: files/],
  ['gives a path that it is not for', outcome("'other', { type: 'removed' }"), /is not for \/other$/],
])('a merger that %s is told with its path', async (_what, module, message) => {
  expect(await failureOf(shop.build(merging(module)))).toMatchObject({
    code: 'STACK5029',
    constructPath: 'both',
    message: expect.stringMatching(message) as string,
  });
});

function outcome(entry: string): string {
  return `exports.merge = async () => ({ files: new Map([[${entry}]]), problems: [] });`;
}

test('a merger that is not there is told', async () => {
  const recipe = merging(BOTH, { mergers: [{ module: './none.js', paths: ['/f'] }] });
  expect(await failureOf(shop.build(recipe))).toMatchObject({ code: 'STACK5029', message: /none\.js' cannot be read/ });
});

test('disjoint components have exactly their layers, and no glue', async () => {
  shop.write({ 1: 'kernel', 2: 'ovmf' });
  const images = await shop.build({
    images: {
      kernel: layer({ name: 'kernel', imports: [hostImport('1', '/kernel/boot')] }),
      ovmf: layer({ name: 'ovmf', imports: [hostImport('2', '/ovmf/code.fd')] }),
      both: { ...stacked('kernel', 'ovmf'), glue: 'forbid' },
    },
    formats: ['tar', 'squashfs'],
  });
  for (const format of ['tar', 'squashfs'] as const) {
    expect(stepsOf(images, 'both', format)).toEqual([
      ...stepsOf(images, 'kernel', format),
      ...stepsOf(images, 'ovmf', format),
    ]);
  }
});
