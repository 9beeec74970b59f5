import fc from 'fast-check';
import { StackError } from '../../lib/core';
import { dependenciesOf, findCycles, order, type ImagePlan, type Plan } from '../../lib/plan';

function image(...components: string[]): ImagePlan {
  return { type: 'stacked-image', name: 'x', buildOnly: false, components };
}

function plan(images: Record<string, ImagePlan>): Plan {
  return { schemaVersion: 1, directory: '.', formats: ['tar'], images };
}

test('an image depends on its base, the files it uses, its components and what it was told to follow, each once', () => {
  const layer: ImagePlan = {
    type: 'layer',
    name: 'x',
    buildOnly: false,
    from: { type: 'tar', file: { type: 'image-file', image: 'tar', path: '/a' } },
    imports: [
      { source: { type: 'image-file', image: 'import', path: '/a' }, dest: '/' },
      { source: { type: 'image-file', image: 'import', path: '/b' }, dest: '/' },
      { source: { type: 'path', path: 'no-image' }, dest: '/' },
    ],
    dependsOn: ['told', 'import'],
  };
  expect(dependenciesOf(layer)).toEqual(['import', 'tar', 'told']);
  expect(dependenciesOf({ ...layer, from: { type: 'image', image: 'base' } })).toEqual(['base', 'import', 'told']);
  expect(dependenciesOf(image('b', 'a', 'b'))).toEqual(['a', 'b']);
  const debian: ImagePlan = {
    type: 'debian-packages',
    name: 'x',
    buildOnly: false,
    packages: ['a'],
    dependencies: 'none',
  };
  expect(dependenciesOf(debian)).toEqual([]);
});

test('the order does not depend on the order in the plan', () => {
  const images = { top: image('b', 'a'), b: image('c'), a: image(), c: image(), 10: image(), 9: image('10') };
  const reversed = Object.fromEntries(Object.entries(images).reverse());
  expect(order(plan(images))).toEqual(['10', '9', 'a', 'c', 'b', 'top']);
  expect(order(plan(reversed))).toEqual(order(plan(images)));
});

test('everything comes after what it needs, once', () => {
  // Node n may need smaller ones only, so there is no circle; the names hide that.
  const graphs = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(graphs, (needs) => {
      const name = (n: number): string => `i${String((n * 7919) % 101)}`;
      const images = Object.fromEntries(
        needs.map((list, n) => [name(n), image(...list.filter((need) => need < n).map(name))]),
      );
      const sorted = order(plan(images));
      expect([...sorted].sort()).toEqual(Object.keys(images).sort());
      for (const [key, each] of Object.entries(images)) {
        for (const need of dependenciesOf(each)) expect(sorted.indexOf(need)).toBeLessThan(sorted.indexOf(key));
      }
    }),
  );
});

test('a circle is an error that prints it', () => {
  const images = { a: image('b'), b: image('c'), c: image('b'), d: image('a') };
  let thrown: unknown;
  try {
    order(plan(images));
  } catch (error) {
    thrown = error;
  }
  expect(StackError.is(thrown)).toBe(true);
  expect(thrown).toMatchObject({
    code: 'STACK2005',
    message: 'images need each other in a circle: b -> c -> b',
    constructPath: 'b',
  });
});

test('every circle that shares nothing with another one is found, and no more', () => {
  const graph = new Map([
    ['root', ['a', 'x', 's']],
    ['a', ['b']],
    ['b', ['a', 'root2']],
    ['root2', ['b']],
    ['x', ['y']],
    ['y', ['x']],
    ['s', ['s']],
    ['free', []],
  ]);
  expect(findCycles(graph)).toEqual([['a', 'b'], ['x', 'y'], ['s']]);
  expect(findCycles(new Map([['a', ['missing']]]))).toEqual([]);
});

test('a chain of a hundred thousand images is no problem', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, n) => [`i${String(n)}`, image(...(n === 0 ? [] : [`i${String(n - 1)}`]))]),
  );
  expect(order(plan(chain)).at(-1)).toBe('i99999');
});
