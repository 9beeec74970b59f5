import * as fs from 'node:fs';
import type { KnownDelta } from '../../lib/build/delta';
import { viewOf } from '../../lib/build/file-view';
import type { Input } from '../../lib/build/inputs';
import { SystemIds } from '../../lib/build/system-ids';
import { idRange, ID_LANES } from '../../lib/plan';
import { readContent, sortTree, type Entry, type Tree } from '../../lib/pack';
import { deltaOf, directory, entryAt, EPOCH, link, textFile, Workshop } from './workshop';

const ADDUSER = 'etc/adduser.conf';
const LOGIN = 'etc/login.defs';
const BASE = sortTree([
  directory('etc', { mode: 0o751, mtime: 7 }),
  textFile(ADDUSER, '#FIRST_SYSTEM_UID=100\nFIRST_UID=500\n', { uid: 3, mtime: 8 }),
  textFile(LOGIN, 'SYS_UID_MAX 400'),
  textFile('etc/other', ''),
]);

let workshop: Workshop;
beforeEach(() => (workshop = new Workshop()));
afterEach(() => {
  workshop.remove();
});

async function laneOn(base: readonly KnownDelta[], lane: number | false | undefined): Promise<SystemIds | undefined> {
  return SystemIds.of(await workshop.context(), lane, base);
}

/** A lane on a base, and what its script sees in the place of the base's files. */
async function steered(base: Tree = BASE, of: number | undefined = 2): Promise<{ lane: SystemIds; seen: Tree }> {
  const deltas = [deltaOf(base)];
  const lane = await laneOn(deltas, of);
  if (lane === undefined) throw new Error('the base has no settings');
  return { lane, seen: lane.tree(await viewOf(deltas, EPOCH)) };
}

function texts(tree: Tree): Record<string, string> {
  return Object.fromEntries(tree.flatMap((e) => (e.type === 'file' ? [[e.path, readContent(e).toString()]] : [])));
}

const ADDUSER_LINES = 'FIRST_SYSTEM_UID=212\nLAST_SYSTEM_UID=999\nFIRST_SYSTEM_GID=212\nLAST_SYSTEM_GID=999\n';
const LOGIN_LINES = 'SYS_UID_MIN 212\nSYS_UID_MAX 223\nSYS_GID_MIN 212\nSYS_GID_MAX 223\n';

test('the script sees the settings of its base with those of its lane at the end, and all else as it was', async () => {
  const { seen } = await steered();
  expect(texts(seen)).toEqual({
    [ADDUSER]: `#FIRST_SYSTEM_UID=100\nFIRST_UID=500\n${ADDUSER_LINES}`,
    [LOGIN]: `SYS_UID_MAX 400\n${LOGIN_LINES}`,
  });
  expect(seen.map(({ path }) => path)).toEqual(['', 'etc', ADDUSER, LOGIN]);
  expect(entryAt(seen, 'etc')).toMatchObject({ mode: 0o751, mtime: 7 });
  expect(entryAt(seen, ADDUSER)).toMatchObject({ mode: 0o644, uid: 3, mtime: 8 });
});

test('the lines do not get into the layer', async () => {
  const { lane, seen } = await steered();
  const [adduser, login] = [texts(seen)[ADDUSER] ?? '', texts(seen)[LOGIN] ?? ''];
  const upper: Entry[] = [
    ...seen.filter(({ path }) => path === ADDUSER).map((entry) => ({ ...entry, mode: 0o600 }) as Entry),
    textFile('etc/copy', login, { sha256: (entryAt(seen, LOGIN) as { sha256?: string }).sha256 }),
    textFile(LOGIN, `# mine\n${login}UMASK 077\n`),
    textFile('etc/other', adduser + 'not a copy\n'),
  ];
  const kept = lane.remove(sortTree(upper));
  expect(texts(kept)).toEqual({
    [ADDUSER]: '#FIRST_SYSTEM_UID=100\nFIRST_UID=500\n',
    'etc/copy': 'SYS_UID_MAX 400',
    [LOGIN]: '# mine\nSYS_UID_MAX 400\nUMASK 077\n',
    'etc/other': `${adduser}not a copy\n`,
  });
  expect(entryAt(kept, ADDUSER)).toMatchObject({ mode: 0o600 });
});

test('what the script put in their place is kept as it is', async () => {
  const { lane } = await steered();
  const upper: Tree = [
    link(ADDUSER, '/elsewhere'),
    textFile(LOGIN, 'SYS_UID_MIN 500\n'),
    { type: 'whiteout', path: 'x' },
  ];
  expect(lane.remove(upper)).toEqual(upper);
});

test('a lane is without effect where nothing is read that could say so, and the base is not read again for that', async () => {
  const read = jest.fn(() =>
    Promise.resolve(sortTree([directory('etc'), link(LOGIN, 'other'), textFile('etc/other', '')])),
  );
  const base = (): readonly KnownDelta[] => [{ contentKey: 'x', createdBy: 'a test', tree: read }];
  expect(await laneOn(base(), 2)).toBeUndefined();
  expect(await laneOn(base(), 7)).toBeUndefined();
  expect(await laneOn(base(), undefined)).toBeUndefined();
  expect(read).toHaveBeenCalledTimes(1);
});

test("a layer that is to have the base's ids reads no base for it", async () => {
  const tree = (): Promise<never> => Promise.reject(new Error('read'));
  expect(await laneOn([{ contentKey: 'x', createdBy: '', tree }], false)).toBeUndefined();
});

test('the input is the range of ids', async () => {
  const base = [deltaOf(BASE)];
  const inputOf = async (lane: number): Promise<Input | undefined> => (await laneOn(base, lane))?.input;
  expect(await inputOf(1)).toMatchObject({ value: { lane: { first: 200, last: 211 }, names: undefined } });
  expect(await inputOf(31)).toMatchObject({ value: { lane: { first: 560, last: 571 } } });
  expect(await laneOn(base, undefined)).toBeUndefined();
});

/** Settings of an adduser that knows pools. */
const POOLED = '#UID_POOL=/etc/adduser-pool.conf\n#GID_POOL=/etc/adduser-pool.conf\n';

/** A base with these settings of adduser, and more. */
function pooledBase(settings = POOLED, ...more: readonly Entry[]): Tree {
  return sortTree([directory('etc'), textFile(ADDUSER, settings), textFile(LOGIN, ''), ...more]);
}

/** The pool that the script sees on a base, by name. */
async function poolOn(base: Tree, lane?: number): Promise<Record<string, number>> {
  const deltas = [deltaOf(base)];
  const mounts = await (await laneOn(deltas, lane))?.mounts(await viewOf(deltas, EPOCH), workshop.directory);
  expect(mounts).toMatchObject([{ target: '/run/cdk-stack/system-ids', readonly: true }]);
  const lines = fs
    .readFileSync(mounts?.[0]?.source ?? '', 'utf8')
    .trim()
    .split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(':')[0] ?? '', Number(line.split(':')[1])] as const));
}

test('users of well-known packages have the same ids in each lane and without one', async () => {
  for (const lane of [undefined, 1, 31]) {
    const pool = await poolOn(pooledBase(), lane);
    expect(pool).toMatchObject({ messagebus: 600, crontab: 601, 'ssl-cert': 602, _ssh: 603, redis: 606 });
    const ids = Object.values(pool);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(idRange(ID_LANES).last);
    expect(Math.max(...ids)).toBeLessThan(975);
    expect(Object.keys(pool).filter((name) => !/^[_a-zA-Z0-9-]+$/.test(name))).toEqual([]);
  }
});

test('an id that the base has given to another name is no id of a name', async () => {
  const accounts = [
    textFile('etc/passwd', 'root:x:0:0:::\nmine:x:601:1::/:\nmessagebus:x:600:600::/:\n'),
    textFile('etc/group', 'theirs:x:602:\nsshd:x:150:\n'),
  ];
  const pool = await poolOn(pooledBase(POOLED, ...accounts));
  expect(pool).toMatchObject({ messagebus: 600, _ssh: 603, sshd: 604 });
  expect(pool).not.toHaveProperty('crontab');
  expect(pool).not.toHaveProperty('ssl-cert');
});

test('without a lane the script sees the pool only, and it is an input', async () => {
  const deltas = [deltaOf(pooledBase())];
  const ids = await laneOn(deltas, undefined);
  expect(ids?.input).toMatchObject({
    value: { lane: undefined, names: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  });
  expect(texts(ids?.tree(await viewOf(deltas, EPOCH)) ?? [])).toEqual({
    [ADDUSER]: `${POOLED}UID_POOL=/run/cdk-stack/system-ids\nGID_POOL=/run/cdk-stack/system-ids\n`,
  });
});

test.each([
  ['of a version that knows none', 'FIRST_UID=1000\n'],
  ['with a pool of the base', `${POOLED}UID_POOL=/etc/ids\n`],
])('adduser %s gets none', async (_, settings) => {
  const deltas = [deltaOf(pooledBase(settings))];
  expect(await laneOn(deltas, undefined)).toBeUndefined();
  const ids = await laneOn(deltas, 2);
  expect(await ids?.mounts(await viewOf(deltas, EPOCH), workshop.directory)).toEqual([]);
  expect(texts(ids?.tree(await viewOf(deltas, EPOCH)) ?? [])[ADDUSER]).toBe(`${settings}${ADDUSER_LINES}`);
});
