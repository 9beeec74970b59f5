import { digestOf } from '../../lib/oci';
import { rebaseComponents, stackImages, swapComponent, type Component, type ImageVariant } from '../../lib/stack';
import { component, image, step, tarLayer, wordsOf } from './fixture';

type Components = [Component, ...Component[]];

const stacked = (...parts: Components): ImageVariant => stackImages(parts);
const again = (parts: readonly Component[]): ImageVariant => stackImages(parts as Components);

const a = component('a', image(['a'], { Env: ['V=1'] }));
const b = component('b', image(['b'], { Env: ['B=1'] }));
const c = component('c', image(['c']));
const newer = { name: 'newer', variant: image(['a2'], { Env: ['V=2', 'NEW=1'] }) };

test('the config of a component inside of another combination is exchanged with it, and back', () => {
  const inner = component('inner', stacked(a, b));
  const swapped = again(swapComponent([inner, c], 'a', newer, undefined));
  expect(swapped.config).toEqual(stacked(component('inner', stacked({ ...newer, name: 'a' }, b)), c).config);
  expect(swapped.config.Env).toEqual(['V=2', 'NEW=1', 'B=1']);
  const back = again(swapComponent(swapped.components ?? [], 'a', { name: 'a', variant: a.variant }, undefined));
  expect(back.config).toEqual(stacked(inner, c).config);
  expect(wordsOf(back)).toEqual(['a', 'b', 'c']);
});

test('what a combination around it sets itself stays, as where the app builds it', () => {
  const inner = component('inner', {
    ...stacked(a, b),
    config: { Env: ['V=own', 'B=1'] },
    declared: { env: { V: 'own' } },
  });
  const swapped = again(swapComponent([inner, c], 'a', newer, undefined));
  expect(swapped.config.Env).toEqual(['V=own', 'NEW=1', 'B=1']);
});

test('an image that two combinations combine stays one image', () => {
  const [x, y] = [component('x', stacked(a, b)), component('y', stacked(a, c))];
  const [one, other] = swapComponent([x, y], 'a', newer, undefined);
  expect(one?.variant.components?.[0]).toBe(other?.variant.components?.[0]);
});

test('a base with a known empty layer is the same base without it', () => {
  const empty = { ...tarLayer('empty'), diffId: digestOf(Buffer.alloc(1024)) };
  const base = { ...image(['one', 'two']), steps: [step(tarLayer('one')), step(empty), step(tarLayer('two'))] };
  const on = (word: string): ImageVariant => ({ ...base, base, steps: [...base.steps, step(tarLayer(word), word)] });
  const without = image(['one', 'two']);
  const parts = [component('a', on('a')), component('b', on('b'))];
  expect(swapComponent(parts, 'a', { name: 'same', variant: on('a') }, without)).toHaveLength(2);
  expect(wordsOf(again(rebaseComponents(parts, { name: 'new', variant: image(['new']) }, base, () => false)))).toEqual([
    'new',
    'a',
    'b',
  ]);
});

test('a component that is all that they share is not replaced with the base, unless it is the base', () => {
  const runtime = image(['base', 'runtime']);
  const service = { ...image(['base', 'runtime', 'service']), base: runtime };
  const parts = [component('runtime', runtime), component('service', service)];
  const other = { name: 'other', variant: image(['other']) };
  expect(() => rebaseComponents(parts, other, runtime, () => false)).toThrow(
    expect.objectContaining({
      code: 'STACK5032',
      message: expect.stringMatching(/^'runtime' is itself/) as string,
    }) as Error,
  );
  const rebased = again(rebaseComponents(parts, other, runtime, (name) => name === 'runtime'));
  expect(wordsOf(rebased)).toEqual(['other', 'service']);
});

test('a component that changes only the config of what they share keeps that on another base', () => {
  const base = image(['base'], { Env: ['A=1'] });
  const configured = { ...base, config: { Env: ['A=1', 'B=1'] }, base };
  const parts = [
    component('configured', configured),
    component('other', { ...image(['base', 'other'], base.config), base }),
  ];
  const by = { name: 'new', variant: image(['new'], { Env: ['A=2'] }) };
  const rebased = again(rebaseComponents(parts, by, base, () => false));
  expect(wordsOf(rebased)).toEqual(['new', 'other']);
  expect(rebased.config.Env).toEqual(['A=2', 'B=1']);
});
