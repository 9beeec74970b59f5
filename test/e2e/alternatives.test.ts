import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { alternatives } from '../../lib/stack/mergers/alternatives';
import type { Image } from '../stack/mergers/images';
import { requestOf } from '../stack/mergers/images';

let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'alternatives-'));
});

afterEach(() => {
  fs.rmSync(root, { recursive: true });
});

/** Arguments of one call of update-alternatives. */
type Call = readonly string[];

const editor = (program: string, priority: number, ...slaves: readonly string[]): Call => [
  ...['--install', '/usr/bin/editor', 'editor', `/usr/bin/${program}`, String(priority)],
  ...slaves.flatMap((slave) => ['--slave', `/usr/share/man/${slave}`, slave, `/usr/share/man/${program}.${slave}`]),
];
const remove = (program: string): Call => ['--remove', 'editor', `/usr/bin/${program}`];
const set = (program: string): Call => ['--set', 'editor', `/usr/bin/${program}`];

const PROGRAMS = ['ed', 'joe', 'nano', 'vim'];
const SLAVES = ['de.1', 'en.1', 'fr.1'];

/** A root with all programs and most of their pages, in which update-alternatives was called. */
function rootAfter(calls: readonly Call[]): Image {
  fs.rmSync(root, { recursive: true });
  for (const directory of ['usr/bin', 'usr/share/man', 'etc/alternatives', 'var/lib/dpkg/alternatives']) {
    fs.mkdirSync(path.join(root, directory), { recursive: true });
  }
  for (const program of PROGRAMS) {
    fs.writeFileSync(path.join(root, 'usr/bin', program), program);
    for (const slave of SLAVES) {
      if (program === 'joe' && slave === 'fr.1') continue; // excluded, as images exclude documentation
      fs.writeFileSync(path.join(root, 'usr/share/man', `${program}.${slave}`), slave);
    }
  }
  for (const call of calls) {
    execFileSync('update-alternatives', ['--quiet', '--root', root, '--log', '/log', ...call], { stdio: 'pipe' });
  }
  fs.rmSync(path.join(root, 'log'), { force: true });
  return imageOf('');
}

function imageOf(directory: string): Image {
  const image: Record<string, Image[string]> = {};
  for (const entry of fs.readdirSync(path.join(root, directory), { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) Object.assign(image, imageOf(file));
    else if (entry.isSymbolicLink()) image[file] = `-> ${fs.readlinkSync(path.join(root, file))}`;
    else image[file] = fs.readFileSync(path.join(root, file), 'latin1');
  }
  return image;
}

/** What containers see of the components, with what the merger makes. */
async function stack(base: readonly Call[], ...sides: readonly (readonly Call[])[]) {
  const images = sides.map((calls) => rootAfter([...base, ...calls]));
  const request = requestOf(rootAfter(base), ...images);
  const { files, problems } = await alternatives.merge(request);
  const stacked: Record<string, unknown> = {};
  for (const entry of request.stacked.under('')) {
    const content = await request.stacked.read(entry.path);
    stacked[entry.path] = entry.type === 'symlink' ? `-> ${entry.target}` : content?.toString('latin1');
  }
  for (const [file, made] of files) {
    if (made.type === 'removed') Reflect.deleteProperty(stacked, file);
    else stacked[file] = made.type === 'file' ? made.content.toString('latin1') : `-> ${made.target}`;
  }
  return problems.length > 0 ? problems.map(({ message }) => message) : stacked;
}

const BASE = [editor('ed', 10, 'en.1')];

test.each<readonly [string, readonly Call[], readonly Call[], readonly Call[]]>([
  ['two that add a choice', BASE, [editor('vim', 30, 'en.1', 'de.1')], [editor('nano', 40)]],
  ['a better one below', BASE, [editor('nano', 40)], [editor('vim', 30, 'en.1', 'de.1')]],
  ['equal priorities', BASE, [editor('vim', 40, 'de.1')], [editor('nano', 40, 'fr.1')]],
  ['a new alternative in both', [], [editor('vim', 40, 'de.1')], [editor('nano', 50, 'fr.1')]],
  ['pages that are not installed', BASE, [editor('joe', 40, 'de.1', 'fr.1')], [editor('nano', 30, 'fr.1')]],
  ['one that sets a choice', BASE, [editor('vim', 40), set('ed')], [editor('nano', 50, 'fr.1')]],
  ['another one that does', BASE, [editor('vim', 40)], [editor('nano', 30, 'fr.1'), set('nano')]],
  ['a choice that is removed', [...BASE, editor('vim', 90, 'de.1')], [remove('vim')], [editor('nano', 50)]],
  ['the set choice removed', [...BASE, editor('vim', 9, 'de.1'), set('vim')], [remove('vim')], [editor('nano', 50)]],
  ['all choices removed', [...BASE, editor('vim', 9, 'de.1')], [remove('vim')], [remove('ed')]],
  ['the only choice removed, and the alternative with it', BASE, [editor('vim', 40, 'de.1')], [remove('ed')]],
  ['the same in the other order', BASE, [remove('ed')], [editor('vim', 40)]],
])('%s: as after update-alternatives one after the other', async (_what, base, a, b) => {
  const expected = rootAfter([...base, ...a, ...b]);
  expect(await stack(base, a, b)).toEqual(expected);
});

test('components that set different choices contradict each other', async () => {
  const base = [...BASE, editor('vim', 40), editor('nano', 30)];
  expect(await stack(base, [set('vim')], [set('nano')])).toEqual([
    "components differ on the choice that is set in the alternative 'editor'",
  ]);
});

test('any additions end as with update-alternatives one after the other', async () => {
  const anyCall = (programs: readonly string[]) =>
    fc
      .tuple(fc.constantFrom(...programs), fc.constantFrom(10, 20, 30), fc.subarray(SLAVES))
      .map(([program, priority, slaves]) => editor(program, priority, ...slaves));
  // Each program once: that one had a higher priority for a while is in no database (see the test below).
  const anyCalls = (...programs: string[]) =>
    fc.uniqueArray(anyCall(programs), { maxLength: 2, selector: ([, , , program]) => program });
  await fc.assert(
    fc.asyncProperty(anyCalls('ed'), anyCalls('vim'), anyCalls('joe', 'nano'), async (base, a, b) => {
      const expected = rootAfter([...base, ...a, ...b]);
      expect(await stack(base, a, b)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
}, 120_000);

test('a choice that was better for a while within a component does not stay the best', async () => {
  const lowered = [editor('joe', 30), editor('joe', 10)];
  expect(await stack([], [editor('vim', 10)], lowered)).toEqual(rootAfter([editor('vim', 10), editor('joe', 10)]));
  expect(rootAfter([editor('vim', 10), ...lowered])['etc/alternatives/editor']).toBe('-> /usr/bin/joe');
});
