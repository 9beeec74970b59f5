import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { writeLayout } from './hand-made';
import { Project } from './installed';
import { Mounts } from './mounts';
import { Random } from './oracle/random';
import { layerOfTree, parentsOf, randomBase, randomChange, type RandomLayer } from './oracle/random-images';
import { threeWay, type Seen, type Sight, type Verdict } from './oracle/three-way';
import { tinyTar } from './oracle/tiny-tar';

const MINUTE = 60_000;
const SEED = Number(process.env['STACK_SEED'] ?? Date.now() % 1_000_000);
const RUNS = Number(process.env['STACK_RUNS'] ?? 50);

interface Case {
  readonly name: string;
  readonly components: readonly string[];
  /** Paths that whiteouts and stale copies of the layers name. */
  readonly named: ReadonlySet<string>;
  /** Entries of each component's own layers. */
  readonly layers: readonly (readonly RandomLayer[])[];
}

interface Report {
  readonly errors: readonly { readonly code: string; readonly path: string }[];
}

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ tar: { compression: 'none' }, formats: ['tar', 'squashfs'] });
for (const { name, components } of require('./cases.json')) {
  const parts = components.map((id) => new Layer(app, id, { from: 'oci:./made:' + id, buildOnly: true }));
  new StackedImage(app, name, parts);
}
`;

/** The library, as an app of somebody else's would use it: one process for all reports. */
const REPORTS = `const { conflicts, loadAssembly } = require('cdk-stack/toolkit');
(async () => {
  const assembly = await loadAssembly('synth.out');
  for (const { name } of require('./cases.json')) {
    const report = await conflicts({ image: name, assembly, listener: () => undefined });
    const errors = report.conflicts.filter(({ severity }) => severity === 'error');
    console.log(JSON.stringify({ name, errors: errors.map(({ code, path }) => ({ code, path })) }));
  }
})();
`;

const project = Project.create(APP, { 'reports.js': REPORTS });
const mounts = new Mounts();
afterAll(() => {
  mounts.end();
  project.remove();
});

function makeCase(at: number): Case {
  const random = new Random(SEED * 1000 + at);
  const name = `case-${String(at)}`;
  const layerFile = (id: string, entries: Parameters<typeof tinyTar>[0]): string => {
    const file = project.path(`${id}.layer`);
    fs.writeFileSync(file, tinyTar(entries));
    return file;
  };
  const base = randomBase(random);
  const bottom = layerFile(`${name}-base`, layerOfTree(base));
  writeLayout(project.path('made'), `${name}-base`, [bottom]);
  const named = new Set<string>();
  const all: (readonly RandomLayer[])[] = [];
  const components = Array.from({ length: 2 + random.below(3) }, (_, number) => {
    const id = `${name}-${'abcd'.charAt(number)}`;
    const { layers } = randomChange(base, random);
    all.push(layers);
    const files = layers.map((entries, layer) => {
      for (const { path: entry } of entries) for (const each of namedBy(entry)) named.add(each);
      return layerFile(`${id}-${String(layer)}`, entries);
    });
    writeLayout(project.path('made'), id, [bottom, ...files]);
    return id;
  });
  return { name, components, named, layers: all };
}

function reportsOf(): readonly string[] {
  const env = { PATH: process.env['PATH'], HOME: project.home, STACK_HOME: project.store };
  const lines = execFileSync(process.execPath, ['reports.js'], { cwd: project.directory, env, encoding: 'utf8' });
  return lines.split('\n').filter(Boolean);
}

function namedBy(entry: string): readonly string[] {
  const plain = entry.replace(/\/\.wh\.\.wh\.\.opq$/, '').replace(/(^|\/)\.wh\./, '$1');
  return [plain, ...parentsOf(plain)];
}

/** Looks at directories with find(1), as root. */
function sightsOf(directories: readonly string[]): readonly Sight[] {
  const list = `for each; do echo "$each"; find "$each" -mindepth 1 -printf '\\t%P\\t%y\\t%m\\t%U\\t%G\\t%s\\t%l\\n'; done`;
  const sights = new Map<string, Map<string, Seen>>();
  let current = new Map<string, Seen>();
  for (const line of asRoot('sh', '-c', list, 'sh', ...directories).split('\n')) {
    if (!line.startsWith('\t')) {
      current = new Map();
      sights.set(line, current);
      continue;
    }
    const [, file = '', type = '', mode = '', owner = '', group = '', size = '', target = ''] = line.split('\t');
    const data = type === 'f' ? size : target;
    current.set(file, { type, mode: Number.parseInt(mode, 8), owner, group, data });
  }
  return directories.map((directory) => sights.get(directory) ?? new Map<string, Seen>());
}

/** Unpacks images of a layout with umoci. */
function unpack(layout: string, names: readonly string[]): readonly Sight[] {
  const target = fs.mkdtempSync(path.join(project.home, 'unpacked-'));
  const script = `cd '${target}'; for each; do umoci raw unpack --image '${project.path(layout)}':"$each" "$each" || echo "umoci: $each" >&2; done`;
  asRoot('sh', '-c', script, 'sh', ...names);
  return sightsOf(names.map((name) => path.join(target, name)));
}

/** Mounts the layers of a published image as the kernel lays them over each other. */
function mounted(name: string): string {
  const layout = project.layout();
  const layers = layout.manifest(`${name}-squashfs`).layers;
  return mounts.overlay(...layers.map(({ digest }) => mounts.squashfs(layout.blob(digest))));
}

/** The entries of layers at a path and below it, for whoever looks for the fault. */
function layersAt({ layers }: Case, file: string): string {
  const isAt = (entry: string): boolean => entry.startsWith(file) || entry.includes(`.wh.${path.basename(file)}`);
  const textOf = (layer: RandomLayer): string =>
    layer
      .flatMap((entry) => (isAt(entry.path) ? [`${entry.type} ${entry.path} ${entry.mode.toString(8)}`] : []))
      .join(', ');
  return layers.map((each) => each.map(textOf).join(' + ')).join(' | ');
}

function problemsOf(each: Case, verdict: Verdict, { errors }: Report): readonly string[] {
  const { name } = each;
  const told = errors.map(({ code, path: file }) => `${code} ${file}`).join(', ');
  if (errors.length === 0)
    return [...verdict.must].map(
      ([file, why]) =>
        `${name}: /${file} is not refused: ${why}: ${verdict.textAt(file)}; layers: ${layersAt(each, file)}`,
    );
  const strange = errors.filter(({ path: file }) => !verdict.may(file.slice(1)));
  return strange.map(
    ({ code, path: file }) =>
      `${name}: ${code} ${file} is refused for no reason (of ${told}): ${verdict.textAt(file.slice(1))}; layers: ${layersAt(each, file.slice(1))}`,
  );
}

test(
  `combinations are what their components are, or are refused (STACK_SEED=${String(SEED)}, ${String(RUNS)} runs)`,
  () => {
    const cases = Array.from({ length: RUNS }, (_, at) => makeCase(at));
    project.write({ 'cases.json': JSON.stringify(cases.map(({ name, components }) => ({ name, components }))) });
    expect(project.stack(['synth'])).toMatchObject({ status: 0 });
    const reports = new Map(
      reportsOf().map((line) => {
        const { name, errors } = JSON.parse(line) as Report & { readonly name: string };
        return [name, { errors }];
      }),
    );
    const verdicts = new Map(
      cases.map((each) => {
        const [base = new Map<string, Seen>(), ...sights] = unpack('made', [`${each.name}-base`, ...each.components]);
        return [each.name, threeWay(base, sights, each.named)];
      }),
    );
    const problems = cases.flatMap((each) => problemsOf(each, verdicts.get(each.name)!, reports.get(each.name)!));
    const good = cases.filter(({ name }) => reports.get(name)?.errors.length === 0);
    const deployed = project.stack(['deploy', ...good.map(({ name }) => name)]);
    expect(deployed).toMatchObject({ status: 0 });
    const names = good.map(({ name }) => name);
    const readers = { umoci: unpack('oci', names), kernel: sightsOf(names.map(mounted)) };
    for (const [reader, sights] of Object.entries(readers)) {
      for (const [at, sight] of sights.entries()) {
        const differences = verdicts.get(names[at]!)!.differences(sight);
        problems.push(...differences.map((each) => `${names[at]!} by ${reader}: ${each}`));
      }
    }
    expect(problems).toEqual([]);
    expect(good.length).toBeGreaterThan(RUNS / 10);
    expect(cases.length - good.length).toBeGreaterThan(RUNS / 10);
  },
  (1 + RUNS / 25) * MINUTE,
);
