import type { KnownDelta } from '../../lib/build/delta';
import { viewOf } from '../../lib/build/file-view';
import { IdLane } from '../../lib/build/id-lane';
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

async function laneOn(base: readonly KnownDelta[], lane: number | undefined = 2): Promise<IdLane | undefined> {
  return IdLane.of(await workshop.context(), lane, base);
}

/** A lane on a base, and what its script sees in the place of the base's files. */
async function steered(base: Tree = BASE): Promise<{ lane: IdLane; seen: Tree }> {
  const deltas = [deltaOf(base)];
  const lane = await laneOn(deltas);
  if (lane === undefined) throw new Error('the base has no settings');
  return { lane, seen: lane.tree(await viewOf(deltas, EPOCH)) };
}

function texts(tree: Tree): Record<string, string> {
  return Object.fromEntries(tree.flatMap((e) => (e.type === 'file' ? [[e.path, readContent(e).toString()]] : [])));
}

const ADDUSER_LINES = 'FIRST_SYSTEM_UID=225\nLAST_SYSTEM_UID=249\nFIRST_SYSTEM_GID=225\nLAST_SYSTEM_GID=249\n';
const LOGIN_LINES = 'SYS_UID_MIN 225\nSYS_UID_MAX 249\nSYS_GID_MIN 225\nSYS_GID_MAX 249\n';

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
  expect(await laneOn(base())).toBeUndefined();
  expect(await laneOn(base(), 7)).toBeUndefined();
  expect(read).toHaveBeenCalledTimes(1);
});

test('an image without a lane reads no base for it', async () => {
  const tree = (): Promise<never> => Promise.reject(new Error('read'));
  expect(
    await IdLane.of(await workshop.context(), undefined, [{ contentKey: 'x', createdBy: '', tree }]),
  ).toBeUndefined();
});

test('the input is the range of ids', async () => {
  const base = [deltaOf(BASE)];
  expect((await laneOn(base, 1))?.input).toEqual({ name: 'the id lane', value: { first: 200, last: 224 } });
  expect((await laneOn(base, 31))?.input).toEqual({ name: 'the id lane', value: { first: 950, last: 974 } });
});
