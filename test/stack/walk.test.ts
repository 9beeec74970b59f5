import fc from 'fast-check';
import { parentOf, type Entry } from '../../lib/pack';
import { Combination, findConflicts } from '../../lib/stack';
import { directory, file, link, listOf } from './combination';

type Visited = readonly [path: string, layers: string];

function combinationOf(layers: readonly (readonly Entry[])[]): Combination {
  return new Combination(
    layers.map((entries, at) => ({ key: String(at), createdBy: '', list: listOf(entries) })),
    layers.map((_, at) => ({ name: String(at), layers: [String(at)] })),
  );
}

function walk(combination: Combination): Visited[] {
  const visited: Visited[] = [];
  combination.walk((path, places) => visited.push([path, places.map(({ layer }) => layer).join()]));
  return visited;
}

/** All paths, but for what lies below a directory that one layer alone has. */
function expected({ layers }: Combination): Visited[] {
  const owners = new Map<string, number[]>();
  for (const [layer, paths] of layers.entries()) {
    for (let at = 0; at < paths.size; at += 1) {
      owners.set(paths.path(at), [...(owners.get(paths.path(at)) ?? []), layer]);
    }
  }
  const isBelowOne = (path: string): boolean => {
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) if (owners.get(at)?.length === 1) return true;
    return false;
  };
  return [...owners].filter(([path]) => !isBelowOne(path)).map(([path, all]): Visited => [path, all.join()]);
}

const names = fc.constantFrom('a', 'a-b', 'a.b', 'a0', 'A', 'b', 'ä');
const path = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const layer = fc
  .tuple(fc.uniqueArray(path, { maxLength: 12 }), fc.boolean(), fc.constantFrom('x', 'y'))
  .map(([paths, isDescribed, text]): Entry[] => {
    const directories = new Set(paths.flatMap((each) => ancestors(each)));
    const files = paths
      .filter((each) => !directories.has(each))
      .map((each) => file(each, each.length % 2 === 0 ? each : text));
    return isDescribed ? [directory(''), ...[...directories].map((each) => directory(each)), ...files] : files;
  });

function ancestors(of: string): string[] {
  const found: string[] = [];
  for (let at = parentOf(of); at !== ''; at = parentOf(at)) found.push(at);
  return found;
}

test('visits each path once, but not what lies below a directory that one layer alone has', () => {
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 4 }), (layers) => {
      const combination = combinationOf(layers);
      const visited = walk(combination);
      expect(new Map(visited)).toEqual(new Map(expected(combination)));
      const sorted = [...visited].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(visited).toEqual(sorted);
    }),
    { numRuns: 500 },
  );
});

test('what is left out changes nothing about the conflicts that are found', () => {
  fc.assert(
    fc.property(fc.array(layer, { minLength: 2, maxLength: 4 }), (layers) => {
      const [short, long] = [combinationOf(layers), combinationOf(layers)];
      for (const paths of long.layers) Object.defineProperty(paths, 'isMoved', { value: true }); // nothing is left out then
      const [found, all] = [short, long].map((each) => findConflicts(each, { rules: { portable: true } }));
      expect(found?.report.build()).toEqual(all?.report.build());
      expect(found?.restorations).toEqual(all?.restorations);
    }),
    { numRuns: 500 },
  );
});

test('leaves nothing out where a link leads paths of one layer into directories that it does not have', () => {
  const linked = combinationOf([
    [directory('usr'), directory('usr/lib'), file('usr/lib/a', ''), link('lib', 'usr/lib')],
    [file('lib/b', '')],
  ]);
  expect(walk(linked).map(([each]) => each)).toEqual(['lib', 'usr', 'usr/lib', 'usr/lib/a', 'usr/lib/b']);
});
