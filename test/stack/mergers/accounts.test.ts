import * as fc from 'fast-check';
import { accounts } from '../../../lib/stack/mergers/accounts';
import { file } from '../combination';
import { merged, mergedFile, requestOf } from './images';

const PASSWD = 'etc/passwd';
const GROUP = 'etc/group';
const ROOT = 'root:x:0:0:root:/root:/bin/bash\n';
const user = (name: string, id: number, more = '/nonexistent:/usr/sbin/nologin'): string =>
  `${name}:x:${String(id)}:${String(id)}::${more}\n`;

test.each([
  ['users come in the order of installations', PASSWD, ROOT, [ROOT + user('a', 101), ROOT + user('b', 102)]],
  ['groups, too', GROUP, 'root:x:0:\n', ['root:x:0:\na:x:101:\n', 'root:x:0:\nb:x:102:\n']],
  [
    'passwords, too',
    'etc/shadow',
    'root:*:1::::::\n',
    ['root:*:1::::::\na:!:2::::::\n', 'root:*:1::::::\nb:!:2::::::\n'],
  ],
])('%s: the base, then what each component adds', async (_what, path, base, sides) => {
  const added = sides.map((side) => side.slice(base.length));
  expect(await mergedFile(accounts, path, base, ...sides)).toBe(base + added.join(''));
});

test('members of a group are a set', async () => {
  const sides = ['tape:x:26:root,redis\n', 'tape:x:26:root,nginx\n', 'tape:x:26:\n'];
  expect(await mergedFile(accounts, GROUP, 'tape:x:26:root\n', ...sides)).toBe('tape:x:26:redis,nginx\n');
});

test('fields of one user merge one by one', async () => {
  const [base, a, b] = ['u:x:1:1::/:/bin/sh\n', 'u:x:1:1::/home:/bin/sh\n', 'u:x:1:1::/:/bin/zsh\n'];
  expect(await mergedFile(accounts, PASSWD, base, a, b)).toBe('u:x:1:1::/home:/bin/zsh\n');
});

test('a field that two components change is a conflict', async () => {
  const [base, a, b] = ['u:x:1:1::/:/bin/sh\n', 'u:x:1:1::/:/bin/fish\n', 'u:x:1:1::/:/bin/zsh\n'];
  expect(await mergedFile(accounts, PASSWD, base, a, b)).toEqual([
    "MERGE_CONFLICT etc/passwd: user 'u' differs in: login shell [a b]",
  ]);
});

test('a user that one component removes and another one changes is a conflict', async () => {
  expect(await mergedFile(accounts, PASSWD, ROOT + user('u', 1), ROOT, ROOT + user('u', 1, '/:/bin/sh'))).toEqual([
    "MERGE_CONFLICT etc/passwd: user 'u' is removed by one component and changed by another one [a b]",
  ]);
});

test('users made on different days keep the earlier one', async () => {
  const sides = ['u:!:19700::::::\n', 'u:!:19690::::::\n'];
  expect(await mergedFile(accounts, 'etc/shadow', '', ...sides)).toBe('u:!:19690::::::\n');
});

test('problems show nothing of a password', async () => {
  const sides = ['root:$y$secret1:1::::::\n', 'root:$y$secret2:1::::::\n'];
  expect(await mergedFile(accounts, 'etc/shadow', 'root:*:1::::::\n', ...sides)).toEqual([
    "MERGE_CONFLICT etc/shadow: user 'root' differs in: password [a b]",
  ]);
  const broken = await accounts.merge(requestOf({}, { 'etc/shadow': '$y$secret1' }, { 'etc/shadow': '' }));
  expect(broken.problems).toHaveLength(1);
  expect(JSON.stringify(broken.problems)).not.toMatch('secret');
});

test('what is wrong with a user is told once, not for its password again', async () => {
  const image = (shell: string, password: string) => ({
    [PASSWD]: user('u', 1, `/:${shell}`),
    'etc/shadow': `u:${password}:1::::::\n`,
  });
  expect(await merged(accounts, image('/bin/sh', '*'), image('/bin/zsh', '!'), image('/bin/fish', '!!'))).toEqual([
    "MERGE_CONFLICT etc/passwd: user 'u' differs in: login shell [a b]",
  ]);
});

describe('ids', () => {
  const owned = (path: string, gid: number, mode = 0o755) => ({ [path]: file(path, path, { gid, uid: gid, mode }) });

  test('one id with two names lists the files that would change their owner', async () => {
    const a = { [GROUP]: '_ssh:x:101:\n', ...owned('usr/bin/ssh-agent', 101, 0o2755), ...owned('usr/bin/ls', 0) };
    const b = { [GROUP]: 'ssl-cert:x:101:\n', ...owned('etc/ssl/private', 101) };
    const { problems } = await accounts.merge(requestOf({}, a, b));
    expect(problems).toEqual([
      {
        code: 'ID_COLLISION',
        path: GROUP,
        message: "group id 101 is '_ssh' in a and 'ssl-cert' in b",
        components: ['a', 'b'],
        files: ['etc/ssl/private', 'usr/bin/ssh-agent'],
        fix: expect.stringContaining('id lanes') as string,
      },
    ]);
  });

  test('one name with two ids lists the files of each', async () => {
    const a = { [PASSWD]: user('redis', 101), ...owned('var/lib/redis', 101), ...owned('mine', 102) };
    const b = { [PASSWD]: user('redis', 102), ...owned('etc/redis', 102), ...owned('base', 102) };
    const { problems } = await accounts.merge(requestOf(owned('base', 102), a, b));
    expect(problems).toMatchObject([
      {
        code: 'ID_COLLISION',
        message: "user 'redis' has the user id 101 in a and 102 in b",
        files: ['etc/redis', 'var/lib/redis'],
      },
    ]);
  });

  test('of many files those are listed that give rights away', async () => {
    const many = Object.assign({}, ...Array.from({ length: 80 }, (_, at) => owned(`a${String(at)}`, 7))) as object;
    const a = { [GROUP]: 'x:x:7:\n', ...many, ...owned('z', 7, 0o2755) };
    const [problem] = (await accounts.merge(requestOf({}, a, { [GROUP]: 'y:x:7:\n' }))).problems;
    expect(problem?.files).toHaveLength(50);
    expect(problem?.files).toContain('z');
  });

  test('an id that a component or the base gives to two names is meant', async () => {
    const base = ROOT + 'toor:x:0:0::/root:/bin/sh\n';
    const a = base + user('one', 5) + user('two', 5);
    expect(await mergedFile(accounts, PASSWD, base, a, base + user('b', 6))).toBe(a + user('b', 6));
  });

  test('ranges of subordinate ids must not overlap', async () => {
    const path = 'etc/subuid';
    expect(await mergedFile(accounts, path, '', 'a:100000:65536\n', 'b:165536:65536\n')).toBe(
      'a:100000:65536\nb:165536:65536\n',
    );
    expect(await mergedFile(accounts, path, '', 'a:100000:65536\n', 'b:100000:65536\n')).toEqual([
      "ID_COLLISION etc/subuid: the subordinate ids of 'a' and 'b' overlap from 100000 on [a b]",
    ]);
  });
});

test('comments, NIS lines and bytes that are not UTF-8 survive', async () => {
  const image = (content: string) => ({ [PASSWD]: Buffer.from(content, 'latin1') });
  const base = `# héad\n${ROOT}+::::::\n`;
  const { files } = await accounts.merge(
    requestOf(image(base), image(base + user('a', 1)), image(base + 'b:x:2:2:\xff:/:\n')),
  );
  const made = files.get(PASSWD);
  expect(made?.type === 'file' && made.content.toString('latin1')).toBe(`${base}${user('a', 1)}b:x:2:2:\xff:/:\n`);
});

test.each([
  ['a line with too few fields', 'u:x:1\n', 'line 1 is no user'],
  ['an id that is no number', 'u:x:-1:1:::\n', 'line 1 has an id that is no number'],
  ['a user twice', ROOT + ROOT, "line 2 has the user 'root' once more"],
  ['something else', '\0\0\0', 'line 1 is no user'],
])('a file with %s is not merged', async (_what, broken, message) => {
  expect(await mergedFile(accounts, PASSWD, '', broken, ROOT)).toEqual([`NOT_MERGEABLE etc/passwd: ${message} [a]`]);
});

test('a file that one component removes and another one changes is a conflict', async () => {
  expect(await merged(accounts, { [PASSWD]: ROOT }, {}, { [PASSWD]: ROOT + user('a', 1) })).toEqual([
    'MERGE_CONFLICT etc/passwd: some components remove it, others change it [a b]',
  ]);
});

describe('for any users', () => {
  const anyUsers = fc
    .uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 })
    .map((ids) => ids.map((id) => user(`u${String(id)}`, id)).join(''));

  test('one component that changes them is what comes out', async () => {
    await fc.assert(
      fc.asyncProperty(anyUsers, anyUsers, async (added, base) => {
        const side = ROOT + added;
        const made = await mergedFile(accounts, PASSWD, ROOT + base, side, ROOT + base);
        const lines = (text: string) => text.split('\n').sort();
        if (side !== ROOT + base && made !== undefined) expect(lines(made as string)).toEqual(lines(side));
      }),
    );
  });

  test('the order of the components decides the order of lines only', async () => {
    await fc.assert(
      fc.asyncProperty(anyUsers, anyUsers, anyUsers, async (a, b, c) => {
        const sides = [a, b, c].map((each) => ROOT + each);
        const forth = await mergedFile(accounts, PASSWD, ROOT, ...sides);
        const back = await mergedFile(accounts, PASSWD, ROOT, ...sides.reverse());
        const lines = (text: unknown) => (typeof text === 'string' ? text.split('\n').sort() : text);
        expect(lines(back)).toEqual(lines(forth));
      }),
    );
  });
});
