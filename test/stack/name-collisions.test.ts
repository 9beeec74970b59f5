import { NameCollisions } from '../../lib/stack/name-collisions';

test('names that differ in case, or in the form of Unicode, collide; those of other directories do not', () => {
  const names = new NameCollisions();
  expect(names.add('a/README', 1)).toEqual([]);
  expect(names.add('b/readme', 2)).toEqual([]);
  expect(names.add('a/readme', 3)).toEqual([{ path: 'a/README', mark: 1 }]);
  expect(names.add('a/\u00e9', 4)).toEqual([]);
  expect(names.add('a/e\u0301', 5)).toEqual([{ path: 'a/\u00e9', mark: 4 }]);
});

test('of very many that collide each is told of the first ones only', () => {
  const names = new NameCollisions();
  const variant = (number: number): string =>
    [...'abcdefghijklmnop'].map((letter, bit) => (number & (1 << bit) ? letter.toUpperCase() : letter)).join('');
  const told = Array.from({ length: 50_000 }, (_, number) => names.add(variant(number), number).length);
  expect(Math.max(...told)).toBe(64);
  expect(told.at(-1)).toBe(64);
});
