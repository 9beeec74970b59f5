import { IdTable } from '../../../lib/pack/squashfs/ids';

test('an id has one place, however often it is asked for', () => {
  const ids = new IdTable();
  expect([5, 0, 5, 4294967295, 0].map((id) => ids.place(id))).toEqual([0, 1, 0, 2, 1]);
  expect(ids.encode().toString('hex')).toBe('0500000000000000ffffffff');
});

test('the table has room for 65,535 ids', () => {
  const ids = new IdTable();
  for (let id = 0; id < 65_535; id += 1) ids.place(id);
  expect(ids.count).toBe(65_535);
  expect(ids.place(65_534)).toBe(65_534);
  expect(() => ids.place(65_535)).toThrow('65535 different user and group ids');
});
