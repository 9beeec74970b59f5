import { FileView } from '../../lib/build/file-view';
import { Glue } from '../../lib/build/glue';
import { StackError } from '../../lib/core';
import { ancestorsOf, sortTree, type Entry, type Tree } from '../../lib/pack';
import { Random, runsOf, seedOf } from '../e2e/oracle/random';
import { directory, EPOCH, textFile } from './workshop';

const SEED = seedOf('random glue');
const NAMES = ['a', 'b', 'c', 'a-'];

/** What is at each path: a text, or nothing more for a directory. */
type Model = Map<string, string | undefined>;

function modelOf(tree: Tree): Model {
  return new Map(
    tree.map((entry) => {
      const isText = entry.type === 'file' && entry.content.kind === 'bytes';
      return [entry.path, isText ? entry.content.bytes.toString() : undefined];
    }),
  );
}

function removeFrom(model: Model, path: string): void {
  for (const each of [...model.keys()]) if (each === path || each.startsWith(`${path}/`)) model.delete(each);
}

/** Unpacks a layer as image-spec's layer.md says. */
function unpackOnto(model: Model, layer: Tree): void {
  for (const { type, path } of layer) if (type === 'whiteout') removeFrom(model, path);
  for (const [path, text] of modelOf(layer.filter(({ type }) => type !== 'whiteout'))) {
    if (text !== undefined) removeFrom(model, path);
    for (const parent of ancestorsOf(path)) if (model.get(parent) !== undefined) throw new Error(`${path} in a file`);
    model.set(path, text);
  }
}

function randomTree(random: Random): Tree {
  const tree = new Map<string, Entry>([['', directory('')]]);
  for (let count = random.below(12); count > 0; count -= 1) {
    const path = randomPath(random);
    if (tree.has(path) || ancestorsOf(path).some((each) => tree.get(each)?.type === 'file')) continue;
    for (const each of ancestorsOf(path)) tree.set(each, directory(each));
    tree.set(path, random.chance(60) ? textFile(path, random.pick(NAMES)) : directory(path));
  }
  return sortTree(tree.values());
}

function randomPath(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES)).join('/');
}

/** Puts something on the glue, and in the model if that was not refused. */
function put(random: Random, glue: Glue, model: Model): void {
  const path = randomPath(random);
  const text = random.chance(40) ? undefined : random.pick(NAMES);
  try {
    glue.put(path, text === undefined ? undefined : textFile(path, text));
  } catch (error) {
    if (StackError.is(error) && error.code === 'STACK5029') return;
    throw error;
  }
  removeFrom(model, path);
  if (text === undefined) return;
  for (const each of ancestorsOf(path)) model.set(each, undefined);
  model.set(path, text);
}

test('whatever was put on top and removed is what a glue layer leaves', () => {
  for (let run = 0; run < runsOf(500); run += 1) {
    const random = new Random(SEED + run);
    const below = randomTree(random);
    const model = modelOf(below);
    const glue = new Glue(FileView.of([below], EPOCH), [], EPOCH);
    for (let count = 1 + random.below(8); count > 0; count -= 1) {
      put(random, glue, model);
      if (random.chance(30)) glue.settle();
    }
    const unpacked = modelOf(below);
    unpackOnto(unpacked, glue.tree([]));
    glue.settle();
    const shown = modelOf(glue.view.under(''));
    const known = new Set(below.map(({ path }) => path));
    /** Without the directories that were only made for what was removed again. */
    const sorted = (each: Model): unknown => {
      const meant = [...each].flatMap(([path, text]) => (text !== undefined || known.has(path) ? [path] : []));
      const kept = [...each].filter(([path]) => meant.some((one) => one === path || one.startsWith(`${path}/`)));
      return kept.sort(([a], [b]) => (a < b ? -1 : 1));
    };
    expect({ seed: SEED + run, view: sorted(unpacked) }).toEqual({ seed: SEED + run, view: sorted(model) });
    expect({ seed: SEED + run, view: sorted(shown) }).toEqual({ seed: SEED + run, view: sorted(model) });
  }
});
