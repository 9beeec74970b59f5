import { alternatives } from '../../../lib/stack/mergers/alternatives';
import { merged, type Image } from './images';

const PATH = 'var/lib/dpkg/alternatives/editor';
const LINK = 'etc/alternatives/editor';

/** An image with an alternative of these choices (`vim 30`), whose link leads to one of them. */
function image(status: string, selected: string, ...choices: readonly string[]): Image {
  const lines = choices.flatMap((choice) => [`/usr/bin/${choice.split(' ')[0]!}`, choice.split(' ')[1]!]);
  return {
    [PATH]: [status, '/usr/bin/editor', '', ...lines, '', ''].join('\n'),
    [LINK]: `-> /usr/bin/${selected}`,
    'usr/bin/editor': '-> /etc/alternatives/editor',
  };
}

const BASE = image('auto', 'ed', 'ed 10');

test('the best of all choices is selected', async () => {
  const [a, b] = [image('auto', 'vim', 'ed 10', 'vim 30'), image('auto', 'nano', 'ed 10', 'nano 40')];
  const all = image('auto', 'nano', 'ed 10', 'nano 40', 'vim 30');
  for (const sides of [
    [a, b],
    [b, a],
  ]) {
    expect(await merged(alternatives, BASE, ...sides)).toEqual({ [PATH]: all[PATH], [LINK]: all[LINK] });
  }
});

test('a choice that one component sets stays', async () => {
  const [a, b] = [image('manual', 'ed', 'ed 10', 'vim 30'), image('auto', 'nano', 'ed 10', 'nano 40')];
  const all = image('manual', 'ed', 'ed 10', 'nano 40', 'vim 30');
  expect(await merged(alternatives, BASE, a, b)).toEqual({ [PATH]: all[PATH], [LINK]: all[LINK] });
});

test.each([
  ['priorities', image('auto', 'vim', 'vim 30'), image('auto', 'vim', 'vim 40'), 'the choice /usr/bin/vim'],
  [
    'choices that are set',
    image('manual', 'vim', 'vim 30', 'ed 10'),
    image('manual', 'ed', 'vim 30', 'ed 10', 'nano 5'),
    'the choice that is set',
  ],
])('different %s are a conflict', async (_what, a, b, what) => {
  expect(await merged(alternatives, {}, a, b)).toEqual([
    `MERGE_CONFLICT ${PATH}: components differ on ${what} in the alternative 'editor' [a b]`,
  ]);
});

test('a file in the place of a link stays', async () => {
  const [a, b] = [image('auto', 'vim', 'ed 10', 'vim 30'), image('auto', 'nano', 'ed 10', 'nano 40')];
  const own = { 'usr/bin/editor': 'mine' };
  const made = await merged(alternatives, { ...BASE, ...own }, { ...a, ...own }, { ...b, ...own });
  expect(Object.keys(made)).toEqual([PATH, LINK]);
});

test('links are made in directories that are links themselves', async () => {
  const slave = (program: string, priority: number): Image => ({
    [PATH]: `auto\n/usr/bin/editor\nex\n/bin/ex\n\n/usr/bin/${program}\n${String(priority)}\n/usr/bin/${program}\n\n`,
    bin: '-> usr/bin',
    [`usr/bin/${program}`]: program,
  });
  expect(await merged(alternatives, {}, slave('vim', 30), slave('nano', 40))).toMatchObject({
    'usr/bin/editor': '-> /etc/alternatives/editor',
    'usr/bin/ex': '-> /etc/alternatives/ex',
    'etc/alternatives/ex': '-> /usr/bin/nano',
  });
});

test.each([
  ['no status', 'x\n', 'it has no status'],
  ['an end too soon', 'auto\n/usr/bin/editor\n', 'it ends where a slave should be'],
  ['a slave in another directory', 'auto\n/x\n../../y\n/y\n\n\n', "its slave '../../y' is twice there, or has no name"],
  ['a link nowhere', 'auto\nx\n\n\n', "'x' is no absolute path"],
  ['a priority that is no number', 'auto\n/x\n\n/y\nhigh\n\n', "its choice '/y' has no priority"],
])('a file with %s is not merged', async (_what, broken, message) => {
  expect(await merged(alternatives, BASE, { ...BASE, [PATH]: broken }, image('auto', 'ed', 'ed 11'))).toEqual([
    `NOT_MERGEABLE ${PATH}: ${message} [a]`,
  ]);
});
