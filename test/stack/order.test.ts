import * as fc from 'fast-check';
import { digestOf } from '../../lib/oci';
import type { Entry } from '../../lib/pack';
import { commute, orderLayers, stackImages, type ImageVariant } from '../../lib/stack';
import { failureOf } from '../failure';
import { directory, file, listOf, opaque, whiteout } from './combination';
import { components, image, wordsOf } from './fixture';

/** The order of layers of sequences named a, b, c … */
function order(...sequences: readonly (readonly string[])[]): string[] {
  return orderLayers(sequences.map((layers, place) => ({ name: String.fromCharCode(97 + place), layers })));
}

function stack(...variants: readonly [ImageVariant, ...ImageVariant[]]): ImageVariant {
  return stackImages(components(...variants));
}

const PAIRS = 'abcdefgh'.split('');

/** Components whose orders agree: subsets of one hidden order. */
const agreeing = fc
  .shuffledSubarray(PAIRS, { minLength: PAIRS.length })
  .chain((hidden) => fc.array(fc.subarray(hidden), { minLength: 1, maxLength: 4 }));

const three = agreeing.filter((sequences) => sequences.length >= 3);

describe('the order of layers', () => {
  test.each([
    [
      'a shared prefix comes out once, at the bottom',
      [
        ['b', 'a'],
        ['b', 'x'],
      ],
      ['b', 'a', 'x'],
    ],
    [
      'what one component has in between comes before what needs it',
      [
        ['base', 'ssl', 'a'],
        ['base', 'java', 'ssl', 'b'],
      ],
      ['base', 'java', 'ssl', 'a', 'b'],
    ],
    ['components without layers add nothing', [[], ['a'], []], ['a']],
    ['no components have no layers', [], []],
    ['a layer that one component has twice stays where it has it first', [['a', 'b', 'a']], ['a', 'b']],
    ['a layer directly repeated is one layer', [['a', 'a', 'b']], ['a', 'b']],
  ])('%s', (_, sequences, expected) => {
    expect(order(...sequences)).toEqual(expected);
  });

  test('a component whose own repetition contradicts another one does not matter', () => {
    expect(order(['a', 'b', 'a'], ['a', 'b'])).toEqual(['a', 'b']);
  });

  test('holds for every component, and each layer comes once', () => {
    fc.assert(
      fc.property(agreeing, (sequences) => {
        const result = order(...sequences);
        expect(new Set(result)).toEqual(new Set(sequences.flat()));
        expect(new Set(result).size).toBe(result.length);
        for (const layers of sequences) expect(result.filter((layer) => layers.includes(layer))).toEqual(layers);
      }),
    );
  });

  test('one component keeps its layers', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), (layers) => {
        expect(order(layers)).toEqual(layers);
      }),
    );
  });

  test('a repeated component changes nothing, wherever it is repeated', () => {
    fc.assert(
      fc.property(agreeing, fc.nat(), (sequences, place) => {
        const repeated = sequences[place % sequences.length] ?? [];
        expect(order(...sequences, repeated)).toEqual(order(...sequences));
      }),
    );
  });

  test('a prefix that all share is at the bottom', () => {
    fc.assert(
      fc.property(agreeing, (sequences) => {
        const prefix = ['p', 'q'];
        const result = order(...sequences.map((layers) => [...prefix, ...layers]));
        expect(result.slice(0, 2)).toEqual(prefix);
        expect(result.slice(2)).toEqual(order(...sequences));
      }),
    );
  });

  test('components without common layers come one after the other, in whatever order they are given', () => {
    const disjoint = fc
      .array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 5 })
      .map((lengths) =>
        lengths.map((length, place) => Array.from({ length }, (_, layer) => `${String(place)}.${String(layer)}`)),
      );
    fc.assert(
      fc.property(
        disjoint.chain((sequences) => fc.shuffledSubarray(sequences, { minLength: sequences.length })),
        (sequences) => {
          expect(order(...sequences)).toEqual(sequences.flat());
        },
      ),
    );
  });

  test('two that contradict each other are named with what they say', async () => {
    const [x, y, z] = ['x', 'y', 'z'].map(digestOf);
    const error = await failureOf(() => order([x!, y!, z!], [z!], [y!, x!]));
    const [a, b] = [x!, y!].map((digest) => digest.slice(7, 19));
    expect(error.code).toBe('STACK5003');
    expect(error.message).toContain(`'a' has ${a!} below ${b!}`);
    expect(error.message).toContain(`'c' has ${b!} below ${a!}`);
    expect(error.message).not.toContain("'b'");
  });

  test('a circle through three components names all three, and not those it only holds up', async () => {
    const [x, y, z, above, free] = ['x', 'y', 'z', 'above', 'free'].map(digestOf);
    const error = await failureOf(() => order([x!, y!], [y!, z!], [z!, x!], [x!, above!], [free!]));
    for (const name of ['a', 'b', 'c']) expect(error.message).toContain(`'${name}' has`);
    for (const name of ['d', 'e']) expect(error.message).not.toContain(`'${name}' has`);
  });

  test('any contradiction is found', () => {
    fc.assert(
      fc.property(
        agreeing,
        fc.uniqueArray(fc.constantFrom(...PAIRS), { minLength: 2, maxLength: 2 }),
        (sequences, [x, y]) => {
          expect(() => order(...sequences, [x!, y!], [y!, x!])).toThrow(/contradicting/);
        },
      ),
    );
  });

  test('thousands of layers take no time to speak of', () => {
    const sequences = Array.from({ length: 2000 }, (_, place) => [
      'base',
      'more',
      ...[0, 1, 2].map((n) => `${String(place)}.${String(n)}`),
    ]);
    const before = performance.now();
    expect(
      order(
        ...sequences,
        sequences.map((layers) => layers[3]!),
      ),
    ).toHaveLength(6002);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('stacks of stacks', () => {
  const asImages = (sequences: readonly (readonly string[])[]): ImageVariant[] =>
    sequences.map((words) => image(words));

  test('stack(stack(a, b), c) = stack(a, stack(b, c)) = stack(a, b, c)', () => {
    fc.assert(
      fc.property(three, (sequences) => {
        const [a, b, c] = asImages(sequences);
        const expected = wordsOf(stack(a!, b!, c!));
        expect(wordsOf(stack(stack(a!, b!), c!))).toEqual(expected);
        expect(wordsOf(stack(a!, stack(b!, c!)))).toEqual(expected);
      }),
    );
  });

  test('also where the inner stack on its own has another order', () => {
    const [a, b, c] = [image(['x']), image(['y']), image(['y', 'x'])];
    expect(wordsOf(stack(a, b))).toEqual(['x', 'y']);
    expect(wordsOf(stack(stack(a, b), c))).toEqual(['y', 'x']);
  });

  test('stack(a) = a and stack(a, a) = stack(a)', () => {
    fc.assert(
      fc.property(agreeing, (sequences) => {
        const [a] = asImages(sequences);
        expect(stack(a!).steps).toEqual(a!.steps);
        expect(stack(a!, a!).steps).toEqual(a!.steps);
        expect(stack(stack(a!), a!).steps).toEqual(a!.steps);
      }),
    );
  });

  test('a tower in which every stack has the one below twice is no larger than its foot', () => {
    let tower = stack(image(['a', 'b']));
    for (let storey = 0; storey < 60; storey += 1) tower = stack(tower, tower);
    expect(wordsOf(tower)).toEqual(['a', 'b']);
  });

  test('a layer built on a stack has the order that stack has', () => {
    const lower = stack(image(['x']), image(['y']));
    const on: ImageVariant = { ...image([]), steps: [...lower.steps, ...image(['top']).steps], base: lower };
    expect(wordsOf(stack(on, image(['z'])))).toEqual(['x', 'y', 'top', 'z']);
    expect(() => stack(on, image(['y', 'x']))).toThrow(/contradicting/);
  });
});

describe('layers that have nothing to do with each other', () => {
  const free = (...sequences: readonly (readonly string[])[]): string[] =>
    orderLayers(
      sequences.map((layers, place) => ({ name: String.fromCharCode(97 + place), layers })),
      (below, above) => [below, above].every((layer) => layer !== 'fixed'),
    );

  test('come in the order of the first component that has both', () => {
    expect(free(['x', 'y'], ['y', 'x'])).toEqual(['x', 'y']);
    expect(free(['x', 'y'], ['y', 'z', 'x'])).toEqual(['x', 'y', 'z']);
  });

  test('keep in place what does have to do with others', () => {
    expect(free(['x', 'fixed', 'y'], ['a', 'y', 'x', 'b'])).toEqual(['a', 'x', 'fixed', 'y', 'b']);
    expect(() => free(['x', 'fixed'], ['fixed', 'x'])).toThrow(expect.objectContaining({ code: 'STACK5003' }) as Error);
  });

  test('if all are such, any components go together, each layer once, and the first one is as it was', () => {
    const any = fc.array(fc.shuffledSubarray(PAIRS, { minLength: 1 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(any, (sequences) => {
        const ordered = orderLayers(
          sequences.map((layers, place) => ({ name: String(place), layers })),
          () => true,
        );
        expect([...ordered].sort()).toEqual([...new Set(sequences.flat())].sort());
        expect(ordered.filter((layer) => sequences[0]?.includes(layer))).toEqual(sequences[0]);
      }),
    );
  });

  test.each<[string, Entry[], Entry[], boolean]>([
    ['other files in one directory', [directory('d'), file('d/a')], [directory('d'), file('d/b')], true],
    ['directories of another time', [directory('d')], [directory('d', { mtime: 9 }), file('d/b')], true],
    ['directories of another mode', [directory('d')], [directory('d', { mode: 0o700 })], false],
    ['one file of both', [file('a', '1')], [file('a', '1')], false],
    ['a file where the other has a directory that it does not describe', [file('d')], [file('d/x')], false],
    ['a removal of what the other has', [whiteout('d')], [directory('d'), file('d/x')], false],
    ['a removal of something else', [whiteout('a')], [file('b')], true],
    ['an opaque directory of both', [opaque('d')], [directory('d'), file('d/x')], false],
    ['files that could be behind a link', [file('lib/x')], [file('a')], false],
  ])('%s', (_what, a, b, expected) => {
    expect(commute(listOf(a), listOf(b))).toBe(expected);
    expect(commute(listOf(b), listOf(a))).toBe(expected);
  });
});
