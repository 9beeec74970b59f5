import { setTimeout as sleep } from 'node:timers/promises';
import { explainIn } from '../../lib/build';
import { combinationOf } from '../../lib/build/combined';
import type { KnownDelta } from '../../lib/build/delta';
import { settleConflicts, type Settlement } from '../../lib/build/settle-conflicts';
import { Settling } from '../../lib/build/settling';
import { digestOf } from '../../lib/oci';
import { indexLine, sortTree, treeDigest, type Entry, type Tree } from '../../lib/pack';
import type { StackedPlan } from '../../lib/plan';
import { findConflicts, type MergedFile, type MergeOutcome, type MergeRequest } from '../../lib/stack';
import { deltaOf, directory, entryAt, hardlink, link, outline, textFile, Workshop } from './workshop';

const shop = new Workshop();
afterAll(() => {
  shop.remove();
});

const EPOCH = 1_000_000_000;
const whiteout = (path: string): Entry => ({ type: 'whiteout', path });
const opaque = (path: string): Entry => directory(path, { opaque: true });

/** Layers by name, bottom to top; a component has those whose names have its letter: `ab` is a layer of both a and b. */
async function settle(layers: Readonly<Record<string, Tree>>, how: Partial<StackedPlan> = {}, delta = deltaOf) {
  return settleConflicts(await shop.context(), 'both', combinedOf(layers, how, delta));
}

function combinedOf(layers: Readonly<Record<string, Tree>>, how: Partial<StackedPlan> = {}, delta = deltaOf) {
  const deltas = new Map(Object.entries(layers).map(([name, tree]) => [name, delta(tree)]));
  const letters = [...new Set([...deltas.keys()].flatMap((name) => name.replace(/\d/g, '').split('')))].sort();
  const combines = letters.map((name) => ({
    name,
    deltas: [...deltas].flatMap(([each, delta]): KnownDelta[] => (each.includes(name) ? [delta] : [])),
  }));
  return { deltas: [...deltas.values()], combines, how };
}

async function glueOf(settlement: Settlement): Promise<Tree> {
  expect(settlement.report.conflicts).toEqual([]);
  return (await settlement.glue?.delta.tree()) ?? [];
}

/** A merger module whose function has this body. */
function merger(body: string, paths: readonly string[] = ['/**']): Partial<StackedPlan> {
  made += 1; // jest loads a file once
  const module = `./mergers/${String(made)}.js`;
  shop.write({ [module]: `exports.merge = async ({ paths, base, components, stacked }) => { ${body} };` });
  return { mergers: [{ module, paths: [...paths] }] };
}
let made = 0;

/** The body of one that gives a file the same content always. */
const gives = (path: string, text: string): string =>
  `return { files: new Map([['${path}', { type: 'file', content: Buffer.from('${text}') }]]), problems: [] };`;

describe('a merger that removes a directory', () => {
  const base = [directory('d'), textFile('d/e', 'e'), directory('d/s'), textFile('d/s/x', 'x'), textFile('d/s/y', 'y')];
  const layers = {
    ab: [...base, textFile('m', '0')],
    a: [textFile('m', '1')],
    b: [textFile('m', '2')],
  };
  const files = (...lines: string[]): string => `return { files: new Map([${lines.join(', ')}]), problems: [] };`;
  const file = (path: string, text: string): string => `['${path}', { type: 'file', content: Buffer.from('${text}') }]`;
  const gone = (path: string): string => `['${path}', { type: 'removed' }]`;

  test.each<[string, string[], string[]]>([
    ['alone', [gone('d')], ['d (whiteout)', 'm: 3']],
    [
      'and puts something new into it',
      [gone('d'), file('d/new', 'n')],
      ['d/', 'd/e (whiteout)', 'd/new: n', 'd/s (whiteout)', 'm: 3'],
    ],
    [
      'and puts some of what it had into it',
      [gone('d'), file('d/s/x', 'x')],
      ['d/', 'd/e (whiteout)', 'd/s/', 'd/s/y (whiteout)', 'm: 3'],
    ],
    ['and a file of it', [gone('d'), gone('d/e')], ['d (whiteout)', 'm: 3']],
  ])('%s', async (_, changes, expected) => {
    const how = merger(files(file('m', '3'), ...changes));
    const tree = await glueOf(await settle(layers, how));
    expect(outline(tree)).toEqual(expected);
  });

  test('that another one has put something into', async () => {
    const first = merger(files(file('m', '3'), file('d/new', 'n')), ['/m', '/d/**']);
    const second = merger(files(file('o', '3'), gone('d')), ['/o', '/d']);
    const mergers = [...(first.mergers ?? []), ...(second.mergers ?? [])];
    const both = {
      ab: [...layers.ab, textFile('o', '0')],
      a: [...layers.a, textFile('o', '1')],
      b: [...layers.b, textFile('o', '2')],
    };
    expect(outline(await glueOf(await settle(both, { mergers })))).toEqual(['d (whiteout)', 'm: 3', 'o: 3']);
  });
});

describe('what nobody meant to lose', () => {
  const base = [directory('etc'), textFile('etc/x', 'base')];
  const [own, other] = [textFile('own', ''), textFile('other', '')];

  test('a change that the component above undoes, having what the base has, is on top again', async () => {
    const changed = textFile('etc/x', 'changed', { mode: 0o600, mtime: 7 });
    const settlement = await settle({ ab: base, a: [directory('etc'), changed, own], b: [...base, other] });
    const glue = await glueOf(settlement);
    expect(outline(glue)).toEqual(['etc/', 'etc/x: changed']);
    expect(entryAt(glue, 'etc/x')).toMatchObject({ mode: 0o600, mtime: 7 });
    expect(settlement.report.settled).toEqual([{ path: '/etc/x', by: 'one-sided change', components: ['a', 'b'] }]);
    expect(settlement.glue?.delta.createdBy).toBe('glue one-sided change');
  });

  test('so is a removal, and the metadata of a directory', async () => {
    const removed = await settle({ ab: base, a: [directory('etc'), whiteout('etc/x'), own], b: [...base, other] });
    expect(outline(await glueOf(removed))).toEqual(['etc/', 'etc/x (whiteout)']);
    const closed = await settle({ ab: base, a: [directory('etc', { mode: 0o700 }), own], b: [...base, other] });
    expect(await glueOf(closed)).toEqual([expect.objectContaining({ path: 'etc', mode: 0o700 })]);
  });

  test('a directory that one removed goes, unless the other has something in it', async () => {
    const empty = [directory('d'), directory('d/e'), directory('f')];
    const layers = {
      ab: empty,
      a: [whiteout('d'), whiteout('f'), own],
      b: [...empty, textFile('f/x', ''), other],
    };
    expect(outline(await glueOf(await settle(layers)))).toEqual(['d (whiteout)']);
  });

  test('what a vacuous mark hides is put back as it was, in directories as containers see them', async () => {
    const settlement = await settle(
      {
        ab: base,
        a: [directory('etc'), directory('etc/ssl', { mode: 0o700 }), textFile('etc/ssl/a', 'a', { mtime: 9 })],
        b: [
          directory('etc', { mode: 0o711 }),
          { ...opaque('etc/ssl'), mode: 0o750 } as Entry,
          textFile('etc/ssl/b', 'b'),
        ],
      },
      { conflicts: { default: 'last-wins' } },
    );
    const glue = (await settlement.glue?.delta.tree()) ?? [];
    expect(outline(glue)).toEqual(['etc/', 'etc/ssl/', 'etc/ssl/a: a']);
    expect(entryAt(glue, 'etc')).toMatchObject({ mode: 0o711 });
    expect(entryAt(glue, 'etc/ssl')).toMatchObject({ mode: 0o750, opaque: undefined });
    expect(entryAt(glue, 'etc/ssl/a')).toMatchObject({ mtime: 9 });
  });

  test('a directory that the mark removed comes back from the component that has it', async () => {
    const cron = [directory('etc'), directory('etc/cron.d', { mode: 0o750 }), textFile('etc/cron.d/e2scrub', 'base')];
    const layers = {
      ab: cron,
      a: [...cron.slice(0, 2), textFile('etc/cron.d/new', 'a'), own],
      b: [directory('etc'), whiteout('etc/cron.d')],
    };
    const glue = await glueOf(await settle(layers, { conflicts: { whiteouts: 'repair' } }));
    expect(outline(glue)).toEqual(['etc/', 'etc/cron.d/', 'etc/cron.d/new: a']);
    expect(entryAt(glue, 'etc/cron.d')).toMatchObject({ mode: 0o750 });
  });

  test('of all that a whiteout hides it is told what hides it, not only of what the report lists', async () => {
    const files = Array.from({ length: 30 }, (_, at) => textFile(`d/${String(100 + at)}`, ''));
    const combined = combinedOf({
      a: [directory('d'), ...files],
      b1: [directory('d'), textFile('d/own', '')],
      b2: [whiteout('d')],
    });
    const { conflicts } = await explainIn(await shop.context(), 'both', combined, '/d/129');
    expect(conflicts).toMatchObject([{ code: 'FOREIGN_WHITEOUT', path: '/d', hiddenCount: 31 }]);
    expect((await explainIn(await shop.context(), 'both', combined, '/other')).conflicts).toEqual([]);
  });

  test('trees are opened a few at a time, and none is left behind by one that fails', async () => {
    let opening = 0;
    let most = 0;
    const slow = (tree: Tree): KnownDelta => ({
      ...deltaOf(tree),
      tree: async () => {
        opening += 1;
        most = Math.max(most, opening);
        await sleep(5);
        opening -= 1;
        if (tree.length === 3) throw new Error('no tree');
        return tree;
      },
    });
    const layers = Object.fromEntries(
      [...'cdefghijkl'].map((name) => [name, [directory('d'), textFile(`d/${name}`, '')]]),
    );
    const failing = {
      ...layers,
      a: [directory('d'), textFile('d/x', 'x')],
      b: [opaque('d'), textFile('d/b', ''), textFile('d/e', 'e')],
    };
    await expect(settle(failing, {}, slow)).rejects.toThrow('no tree');
    expect(opening).toBe(0);
    expect(most).toBeLessThanOrEqual(4);
  });

  test('what cannot be put back, since another component has a file above it, is told as that', async () => {
    const base = [directory('d'), directory('d/s'), textFile('d/s/z', '1')];
    const { report, glue } = await settle({
      abc: base,
      a: [...base.slice(0, 2), textFile('d/s/z', '2')],
      b: [...base, textFile('own', '')],
      c: [directory('d'), textFile('d/s', 'a file')],
    });
    expect(report.conflicts.map(({ code, path }) => `${code} ${path}`)).toEqual(['FILE_OVER_DIRECTORY /d/s']);
    expect(glue).toBeUndefined();
  });

  test('links come back with what they lead to', async () => {
    const files = [textFile('d/f', 'text'), hardlink('d/g', 'd/f'), link('d/s', 'f')];
    const glue = await glueOf(await settle({ a: [directory('d'), ...files], b: [opaque('d')] }));
    expect(outline(glue)).toEqual(['d/', 'd/f: text', 'd/g: text', 'd/s -> f']);
  });

  test('a glue layer is never one of the layers that are there', async () => {
    const a = [directory('d'), textFile('d/x', 'x')];
    const settlement = await settle({ a, b: [opaque('d')] });
    const glue = await glueOf(settlement);
    expect(outline(glue)).toEqual(['/', 'd/', 'd/x: x']);
    expect(settlement.glue?.delta.contentKey).not.toBe(treeDigest(a));
  });

  test('nor is it one of layers that existed before, which are known by their diffIds', async () => {
    const a = [directory('d'), textFile('d/x', 'y')];
    const existing = (tree: Tree): KnownDelta => ({ ...deltaOf(tree), contentKey: digestOf(outline(tree).join()) });
    const glue = await glueOf(await settle({ a, b: [opaque('d')] }, {}, existing));
    expect(outline(glue)).toEqual(['/', 'd/', 'd/x: y']);
  });
});

describe('what lies behind a link of the base', () => {
  const lines = (first: string, last: string): string => `${first}\n2\n3\n4\n5\n${last}\n`;
  const usr = [link('bin', 'usr/bin'), directory('usr'), directory('usr/bin')];
  const base = (text: string): Tree => [...usr, textFile('usr/bin/k', text)];

  test('is merged where components say where it is', async () => {
    const layers = {
      ab: base(lines('1', '6')),
      a: [textFile('usr/bin/k', lines('a', '6'))],
      b: [textFile('usr/bin/k', lines('1', 'b'))],
    };
    const glue = await glueOf(await settle(layers));
    expect(entryAt(glue, 'usr/bin/k')).toMatchObject({ size: lines('a', 'b').length });
  });

  test.each([
    ['bin/k', 'bin/k'],
    ['bin/k', 'usr/bin/k'],
    ['usr/bin/k', 'bin/k'],
  ])('is an error where one reaches it through the link: %s, %s', async (one, other) => {
    const layers = {
      ab: base(lines('1', '6')),
      a: [textFile(one, lines('a', '6'))],
      b: [textFile(other, lines('1', 'b'))],
    };
    const { report } = await settle(layers);
    expect(report.conflicts).toMatchObject([{ code: 'IMPLICIT_PARENT', severity: 'error', path: '/bin' }]);
  });

  test('is put back, and its removal contradicts a change', async () => {
    const layers = { ab: base('\xff'), a: [textFile('own', ''), ...usr.slice(1), textFile('usr/bin/k', '\xfe')] };
    const back = await settle({ ...layers, b: [...usr.slice(1), textFile('usr/bin/k', '\xff'), textFile('n', '')] });
    expect(outline(await glueOf(back))).toEqual(['usr/', 'usr/bin/', 'usr/bin/k: \xfe']);
    const { report } = await settle({ ...layers, b: [...usr.slice(1), whiteout('usr/bin/k')] });
    expect(report.conflicts).toMatchObject([{ code: 'MODIFY_DELETE', path: '/usr/bin/k' }]);
  });
});

describe('a merger', () => {
  const base = [directory('etc', { mode: 0o711 }), textFile('etc/x', 'base', { uid: 1, gid: 1, mode: 0o640 })];
  const layers = {
    ab: base,
    a: [textFile('etc/x', 'a', { uid: 1, gid: 2, mode: 0o640 })],
    b: [textFile('etc/x', 'b', { uid: 1, gid: 1, mode: 0o600 })],
  };

  test('sees what each component has, and what containers would see', async () => {
    const body = `
      const read = async (files) => String(await files.read('etc/x'));
      const texts = [paths.join(), await read(base), await read(stacked), components.map(({ name }) => name).join()];
      for (const { files } of components) texts.push(await read(files), files.get('etc/x').gid, files.under('etc').length);
      texts.push(await base.read('etc'), await base.read('none'));
      return { files: new Map([['etc/x', { type: 'file', content: Buffer.from(texts.join(' ')) }]]), problems: [] };`;
    expect(outline(await glueOf(await settle(layers, merger(body))))).toEqual([
      'etc/',
      'etc/x: etc/x base b a,b a 2 2 b 1 2  ',
    ]);
  });

  test('decides about content; metadata is merged three-way, and directories are as they were', async () => {
    const glue = await glueOf(await settle(layers, merger(gives('etc/x', 'both'))));
    expect(entryAt(glue, 'etc/x')).toMatchObject({ uid: 1, gid: 2, mode: 0o600, mtime: EPOCH });
    expect(entryAt(glue, 'etc')).toMatchObject({ mode: 0o711, mtime: 5 });
  });

  test('does not settle metadata that both have changed', async () => {
    const both = { ...layers, b: [textFile('etc/x', 'b', { uid: 1, gid: 3, mode: 0o640 })] };
    const { report, glue } = await settle(both, merger(gives('etc/x', 'both')));
    expect(report.conflicts).toMatchObject([
      {
        code: 'METADATA_CONFLICT',
        severity: 'error',
        path: '/etc/x',
        owners: [{ component: 'a' }, { component: 'b' }],
      },
    ]);
    expect(glue).toBeUndefined();
  });

  test('may make links, remove files and make others that it is for', async () => {
    const body = `return { files: new Map([
      ['etc/x', { type: 'symlink', target: 'y' }],
      ['etc/y', { type: 'file', content: Buffer.from('new') }],
      ['etc/z', { type: 'removed' }],
      ['etc/none', { type: 'removed' }],
    ]), problems: [] };`;
    const glue = await glueOf(await settle({ ...layers, ab: [...base, textFile('etc/z', '')] }, merger(body)));
    expect(outline(glue)).toEqual(['etc/', 'etc/x -> y', 'etc/y: new', 'etc/z (whiteout)']);
    expect(entryAt(glue, 'etc/y')).toMatchObject({ mode: 0o644, uid: 0, gid: 0 });
  });

  test('that comes to what is on top makes no layer', async () => {
    const same = { ...layers, a: [textFile('etc/x', 'a', { uid: 1, gid: 1, mode: 0o640 })] };
    const { report, glue } = await settle(same, { ...merger(gives('etc/x', 'b')), glue: 'forbid' });
    expect(report).toMatchObject({ conflicts: [], settled: [], settledCount: 0 });
    expect(glue).toBeUndefined();
  });

  test('settles nothing where it comes to what is on top, though it does elsewhere', async () => {
    const two = (name: string): Tree => [directory('d'), textFile('d/f', name), textFile('d/g', name)];
    const files = `new Map(['f', 'g'].map((name) =>
      ['d/' + name, { type: 'file', content: Buffer.from(name === 'f' ? 'b' : 'both') }]))`;
    const settlement = await settle({ a: two('a'), b: two('b') }, merger(`return { files: ${files}, problems: [] };`));
    expect(outline(await glueOf(settlement))).toEqual(['d/', 'd/g: both']);
    expect(settlement.report.settled.map(({ path }) => path)).toEqual(['/d/g']);
  });

  test('that puts a file into a file is told', async () => {
    const body = `return { files: new Map(['etc/n', 'etc/n/x'].map((path) =>
      [path, { type: 'file', content: Buffer.from(path) }])), problems: [] };`;
    await expect(settle(layers, merger(body))).rejects.toMatchObject({
      code: 'STACK5029',
      message: 'a merger puts something at /etc/n/x, but /etc/n is no directory',
    });
  });

  test('that leaves a path out leaves it to the next, and at last to who reads of the conflict', async () => {
    const nothing = merger('return { files: new Map(), problems: [] };');
    expect((await settle(layers, nothing)).report.conflicts).toMatchObject([
      { code: 'MERGE_CONFLICT', path: '/etc/x' },
    ]);
    const { report } = await settle({ a: [textFile('etc/x', '1')], b: [textFile('etc/x', '2')] }, nothing);
    expect(report.conflicts).toMatchObject([{ code: 'CONTENT_CONFLICT', path: '/etc/x' }]);
  });

  test('that has problems settles nothing, and they are told with their owners', async () => {
    const body = `return { files: new Map(), problems: [{
      code: 'ID_COLLISION', path: 'etc/x', message: 'id 7 is p and q', components: ['b'], files: ['bin/p'], fix: 'choose' }] };`;
    const { report, glue } = await settle(layers, merger(body));
    expect(report.conflicts).toMatchObject([
      {
        code: 'ID_COLLISION',
        severity: 'error',
        path: '/etc/x',
        owners: [{ component: 'b' }],
        message: 'id 7 is p and q',
        files: ['/bin/p'],
        fix: 'choose',
      },
    ]);
    expect(glue).toBeUndefined();
  });

  test('is not given what components have nothing to do with', async () => {
    const body =
      "return { files: new Map([['etc/x', { type: 'file', content: Buffer.from(components.map((c) => c.name).join()) }]]), problems: [] };";
    const glue = await glueOf(await settle({ ...layers, c: [textFile('boot/kernel', 'k')] }, merger(body)));
    expect(outline(glue)).toContain('etc/x: a,b');
  });

  test('of texts has a base for each, whatever components without that base contradict elsewhere', async () => {
    const lines = (first: string, last: string, y: string): Tree => [
      directory('etc'),
      textFile('etc/x', `${first}\n2\n3\n4\n${last}\n`),
      textFile('etc/y', y),
    ];
    const contradicting = { ab: lines('1', '5', '0'), a: lines('a', '5', '1'), b: lines('1', 'b', '0') };
    const scratch = [directory('etc'), textFile('etc/y', '2')];
    const { report } = await settle({ ...contradicting, c: scratch });
    expect(report.conflicts).toMatchObject([{ code: 'CONTENT_CONFLICT', path: '/etc/y' }]);
    const { glue } = await settle({ ...contradicting, c: scratch }, { conflicts: { default: 'last-wins' } });
    expect(outline((await glue?.delta.tree()) ?? [])).toEqual(['etc/', 'etc/x: a\n2\n3\n4\nb\n']);
  });

  test('of texts merges one where it cannot merge another', async () => {
    const texts = (x: string, y: string): Tree => [directory('etc'), textFile('etc/x', x), textFile('etc/y', y)];
    const layers = { ab: texts('1\n', '1\n2\n3\n'), a: texts('a\n', 'a\n2\n3\n'), b: texts('b\n', '1\n2\nb\n') };
    const { glue, report } = await settle(layers, { conflicts: { default: 'warn' } });
    expect(report.conflicts).toContainEqual(expect.objectContaining({ code: 'MERGE_CONFLICT', path: '/etc/x' }));
    expect(outline((await glue?.delta.tree()) ?? [])).toEqual(['etc/', 'etc/y: a\n2\nb\n']);
  });

  test('does not get files that are too large, and the error is about just these', async () => {
    const large = { ...textFile('etc/x', ''), size: 65 * 1024 * 1024, sha256: 'f'.repeat(64) };
    const huge = deltaOf([large]);
    const { store } = await shop.context();
    await store.writeRecord('indexes-2', huge.contentKey, await store.addBlob(`${indexLine(large, large.sha256)}\n`));
    const small = (text: string): Entry => textFile('etc/a', text);
    const trees = { a: [small('a'), textFile('etc/x', 'a')], b: [large], b2: [small('b')] };
    const tooLarge = {
      code: 'TOO_LARGE_TO_MERGE',
      path: '/etc/x',
      owners: [{ component: 'a' }, { component: 'b' }],
      message: expect.stringContaining('/etc/x has 68157440 bytes') as string,
    };
    const body = 'for (const path of paths) for (const { files } of components) await files.read(path);';
    expect((await settle(trees, merger(body))).report.conflicts).toMatchObject([tooLarge]);

    const deltas = Object.values(trees).map((tree) => deltaOf(tree));
    const [a, ...b] = deltas;
    const combines = Object.entries({ a: [a!], b }).map(([name, own]) => ({ name, deltas: own }));
    const combined = { deltas, combines };
    const combination = await combinationOf(await shop.context(), combined);
    const findings = findConflicts(combination, { mergers: [['/**']] });
    const settling = await Settling.of(combined, combination, findings, EPOCH);
    const merge = async ({ paths, components }: MergeRequest): Promise<MergeOutcome> => {
      const files = new Map<string, MergedFile>();
      for (const path of paths) {
        const texts: Buffer[] = [];
        for (const component of components) texts.push((await component.files.read(path)) ?? Buffer.alloc(0));
        files.set(path, { type: 'file', content: Buffer.concat(texts) });
      }
      return { files, problems: [] };
    };
    await settling.merge([{ name: 'each', version: 1, key: 'each', paths: ['/**'], isPathwise: true, merge }]);
    expect(findings.report.build()).toMatchObject({ conflicts: [tooLarge], settled: [{ path: '/etc/a', by: 'each' }] });
  });
});

describe('a glue layer', () => {
  test('can be forbidden, which makes errors of what would need it', async () => {
    const { report, glue } = await settle(
      { a: [directory('d'), textFile('d/x', 'x')], b: [opaque('d')] },
      { glue: 'forbid' },
    );
    expect(report.conflicts).toMatchObject([
      { code: 'GLUE_FORBIDDEN', severity: 'error', path: '/d/x', owners: [{ component: 'a' }, { component: 'b' }] },
    ]);
    expect(report.settled).toEqual([]);
    expect(glue).toBeUndefined();
  });

  test('that is not needed can be forbidden', async () => {
    const { report } = await settle({ a: [textFile('kernel', '')], b: [textFile('ovmf', '')] }, { glue: 'forbid' });
    expect(report.conflicts).toEqual([]);
  });

  test('is not needed for caches, whoever is on top has them; answers of debconf are no cache', async () => {
    const dirs = [
      'var',
      'var/cache',
      'var/cache/debconf',
      'var/cache/man',
      'var/lib',
      'var/lib/apt',
      'var/lib/apt/lists',
    ];
    const caches = (text: string, ...more: Entry[]): Tree =>
      sortTree([
        ...dirs.map((path) => directory(path)),
        textFile('var/cache/man/index.db', text),
        textFile('var/lib/apt/lists/InRelease', text),
        ...more,
      ]);
    const forbidden = await settle({ a: caches('a'), b: caches('b') }, { glue: 'forbid' });
    expect(forbidden.report.conflicts).toMatchObject([{ severity: 'info' }, { severity: 'info' }]);
    expect(forbidden.glue).toBeUndefined();
    const answers = (name: string): Entry =>
      textFile('var/cache/debconf/config.dat', `Name: ${name}/x\nTemplate: ${name}/x\nOwners: ${name}\n\n`);
    const { glue, report } = await settle({ a: caches('a', answers('a')), b: caches('b', answers('b')) });
    expect(report.settled).toMatchObject([{ path: '/var/cache/debconf/config.dat', by: 'debconf' }]);
    expect(outline((await glue?.delta.tree()) ?? []).filter((line) => !line.endsWith('/'))).toHaveLength(1);
  });
});

test('a built-in merger may make more than what it is asked about: the links of alternatives are anywhere', async () => {
  const database = 'var/lib/dpkg/alternatives';
  const base = [directory('bin'), directory('etc'), directory('etc/alternatives'), directory('man')];
  const dirs = [directory('var'), directory('var/lib'), directory('var/lib/dpkg'), directory(database)];
  const nano = [
    textFile('bin/nano', ''),
    link('bin/editor', '/etc/alternatives/editor'),
    link('etc/alternatives/editor', '/bin/nano'),
    textFile(`${database}/editor`, 'auto\n/bin/editor\n\n/bin/nano\n40\n\n'),
  ];
  const vim = [
    textFile('bin/vim', ''),
    textFile('man/vim', ''),
    link('bin/editor', '/etc/alternatives/editor'),
    link('etc/alternatives/editor', '/bin/vim'),
    link('etc/alternatives/manual', '/man/vim'),
    link('man/editor', '/etc/alternatives/manual'),
    textFile(`${database}/editor`, 'auto\n/bin/editor\nmanual\n/man/editor\n\n/bin/vim\n15\n/man/vim\n\n'),
  ];
  const glue = await glueOf(await settle({ ab: [...base, ...dirs], a: [...nano], b: [...vim] }));
  expect(outline(glue)).toEqual(
    expect.arrayContaining([
      'etc/alternatives/editor -> /bin/nano',
      'etc/alternatives/manual (whiteout)',
      'man/editor (whiteout)',
    ]),
  );
});
