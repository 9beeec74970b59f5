import * as fs from 'node:fs';
import * as path from 'node:path';
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
  for (const kind of ['indexes', 'conflicts']) fs.rmSync(path.join(records, kind), { recursive: true });
  await shop.build(clash({ default: 'warn' }));
  expect(shop.events).toContainEqual(expect.objectContaining({ id: 'content-conflict' }) as object);
});
