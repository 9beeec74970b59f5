import * as path from 'node:path';
import { asRoot } from './as-root';
import { Project } from './installed';
import { deviations, type Listing } from './oracle/listing';
import { Random, runsOf, seedOf } from './oracle/random';
import { RandomScripts } from './oracle/random-script';
import { endOf, listingOf, Readers } from './oracle/readers';
import { growIn, pack, withRoot } from './oracle/root';
import { TOPS, TREES } from './oracle/scripted-app';

const MINUTE = 60_000;
const EPOCH = 315_532_800; // 1980, the epoch of builds
const SEED = seedOf('random imports');
/** Of one app. Every other one is from another image. */
const LAYERS = ['of-files', 'of-an-image', 'of-more-files', 'of-another-image', 'of-files-again'];
const APPS = Math.ceil(runsOf(50) / (LAYERS.length * TREES));

const isOfImage = (name: string): boolean => name.includes('image');

/** Each layer imports ten trees onto those of the base. */
function app(): string {
  return `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });
const base = new Layer(app, 'base', { from: 'tar:base.tar' });
for (const [name, isOfImage] of ${JSON.stringify(LAYERS.map((name) => [name, isOfImage(name)]))}) {
  const other = isOfImage ? new Layer(app, 'source-' + name, { from: 'tar:' + name + '.tar', buildOnly: true }) : undefined;
  const imports = ${JSON.stringify(TOPS)}.map((top) => ({ source: other?.file(top) ?? './' + name + top + '/', dest: top }));
  new Layer(app, name, { from: base, imports });
}
`;
}

/** Types by path. */
function typesIn(root: string): ReadonlyMap<string, string> {
  const fields = asRoot('find', root, '-mindepth', '1', '-printf', '%P\\0%y\\0').split('\0').slice(0, -1);
  return new Map(
    Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at] ?? '', fields[2 * at + 1] ?? '']),
  );
}

/** Removes from a source what an import refuses: a directory in the place of something else, or the reverse. */
function withoutClashes(source: string, base: string): void {
  const below = typesIn(base);
  for (const [name, type] of typesIn(source)) {
    const there = below.get(name);
    const clashes = there !== undefined && (there === 'd') !== (type === 'd');
    if (clashes) asRoot('rm', '-rf', path.join(source, name));
  }
}

/** What one import of trees gives, as GNU tar does it: directories that are there stay as they are. */
function unpackOnto(root: string, source: string, ofImage: boolean): void {
  const create = ofImage ? ['--xattrs'] : ['--hard-dereference', '--owner=0', '--group=0', `--mtime=@${String(EPOCH)}`];
  const extract = ['--no-overwrite-dir', '--xattrs', '--xattrs-include=*', '-xpf', '-'];
  const command = 'source=$1 root=$2; shift 2; tar -C "$source" "$@" -cf - . | tar -C "$root" ' + extract.join(' ');
  asRoot('sh', '-ec', command.replaceAll('*', "'*'"), 'sh', source, root, ...create);
}

test(
  'layers of random imports are what GNU tar makes of the base, for umoci and for overlayfs',
  () => {
    for (let at = 0; at < APPS; at += 1) {
      const seed = SEED + at;
      expect({ seed, differences: differencesOf(seed) }).toEqual({ seed, differences: [] });
    }
  },
  APPS * 3 * MINUTE,
);

function differencesOf(seed: number): string[] {
  const scripts = new RandomScripts(new Random(seed));
  const grow = (): string => TOPS.map((top) => scripts.grow(top).script).join('\n');
  const project = Project.create(app());
  const [readers, started] = [new Readers(project), Math.floor(Date.now() / 1000)];
  const differences: string[] = [];
  try {
    withRoot((base) => {
      growIn(base, grow());
      pack(base, project.path('base.tar'));
      for (const name of LAYERS) makeSource(project, name, grow(), base);
      expect(endOf(project, [])).toBe('0');
      const before = listingOf(base);
      for (const name of LAYERS) {
        const expected = path.join(project.home, `expected-${name}`);
        asRoot('cp', '-a', base, expected);
        unpackOnto(expected, project.path(name), isOfImage(name));
        const left = withDirectoriesOf(before, listingOf(expected));
        const found = { umoci: readers.unpacked(name), overlayfs: readers.mountedOver(name) };
        for (const [reader, listing] of Object.entries(found)) {
          const lines = deviations(left, listing, { started, epoch: EPOCH, before });
          differences.push(...lines.map((line) => `${name}, ${reader}: ${line}`));
        }
      }
    });
  } finally {
    readers.end();
    project.remove();
  }
  return differences;
}

/** Directories that were there stay as they were; GNU tar gives them times and attributes all the same. */
function withDirectoriesOf(before: Listing, left: Listing): Listing {
  return new Map(
    [...left].map(([name, listed]) => {
      const known = listed.isDirectory ? before.get(name) : undefined;
      if (name === '') return [name, { ...listed, time: Number.POSITIVE_INFINITY }]; // a filesystem image has one in any case
      return [name, known?.isDirectory === true ? { ...listed, what: known.what, time: known.time } : listed];
    }),
  );
}

/** Makes the trees that one layer imports: a directory of the project's, and for an image a tar beside it. */
function makeSource(project: Project, name: string, script: string, base: string): void {
  const source = project.path(name);
  withRoot((root) => {
    growIn(root, script);
    if (!isOfImage(name)) asRoot('find', root, '-type', 'p', '-delete'); // an import has none
    asRoot('mkdir', source);
    asRoot('cp', '-a', ...TOPS.map((top) => `${root}${top}`), source);
  });
  withoutClashes(source, base);
  if (isOfImage(name)) {
    pack(source, project.path(`${name}.tar`));
    return;
  }
  asRoot('chown', '-R', '-h', `${String(process.getuid?.())}:${String(process.getgid?.())}`, source);
  asRoot('find', source, '-type', 'd', '-exec', 'chmod', '00755', '{}', '+');
  asRoot('find', source, '-type', 'f', '-perm', '/100', '-exec', 'chmod', '755', '{}', '+');
  asRoot('find', source, '-type', 'f', '!', '-perm', '/100', '-exec', 'chmod', '644', '{}', '+');
}
