import * as fs from 'node:fs';
import { asRoot } from '../as-root';
import { Project } from '../installed';
import { USE_TOOLS } from './listing';
import { Random } from './random';
import { RandomScripts } from './random-script';
import { growIn, pack, withRoot } from './root';

/** Trees that each script changes, one after the other, as if each were a script of its own. */
export const TREES = 10;
export const TOPS = Array.from({ length: TREES }, (_, at) => `/t${String(at)}`);

/** Layers by their bases, which come before them. Bases are made outside, by a script, and by imports. */
const LAYERS: readonly (readonly [name: string, from: string])[] = [
  ['outside-1', 'outside'],
  ['outside-2', 'outside-1'],
  ['outside-3', 'outside-2'],
  ['outside-4', 'outside'],
  ['grown-1', 'grown'],
  ['grown-2', 'grown-1'],
  ['grown-3', 'grown-2'],
  ['grown-4', 'grown'],
  ['imported-1', 'imported'],
  ['imported-2', 'imported-1'],
];

/** A layer whose script has listed what it left. */
export interface Scripted {
  readonly name: string;
  readonly from: string;
  /** By directory. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** An app whose layers have random scripts on three bases. */
export interface ScriptedApp {
  readonly project: Project;
  readonly layers: readonly Scripted[];
}

/** Scripts that one app has. */
export const SCRIPTS_OF_AN_APP = LAYERS.length * TREES;

/** Makes the app of a seed; the same seed gives the same bytes. @param dependsOnUser see {@link RandomScripts} */
export function scriptedApp(seed: number, dependsOnUser = true): ScriptedApp {
  const scripts = new RandomScripts(new Random(seed), dependsOnUser);
  const grown = new Map(['outside', 'grown', 'imported'].map((name) => [name, TOPS.map((top) => scripts.grow(top))]));
  const layers: Scripted[] = [];
  const sketches = new Map([...grown].map(([name, trees]) => [name, trees.map(({ sketch }) => sketch)]));
  for (const [name, from] of LAYERS) {
    const own = (sketches.get(from) ?? []).map((sketch) => new Map(sketch));
    layers.push({ name, from, scripts: new Map(own.map((sketch, at) => [TOPS[at] ?? '', scripts.change(sketch)])) });
    sketches.set(name, own);
  }
  const growing = (name: string): string => (grown.get(name) ?? []).map(({ script }) => script).join('\n');
  const project = Project.create(appOf(growing('grown'), layers));
  fs.mkdirSync(project.path('out'));
  withRoot((root) => {
    pack(root, project.path('plain.tar'));
    growIn(root, growing('outside'));
    pack(root, project.path('outside.tar'));
  });
  withRoot((root) => {
    growIn(root, growing('imported'));
    fs.mkdirSync(project.path('trees'));
    asRoot('find', root, '-type', 'p', '-delete'); // an import has none
    asRoot('cp', '-a', ...TOPS.map((top) => `${root}${top}`), project.path('trees'));
    asRoot('chown', '-R', '-h', `${String(process.getuid?.())}:${String(process.getgid?.())}`, project.path('trees'));
    asRoot('chmod', '-R', 'u+rwX', project.path('trees'));
  });
  return { project, layers };
}

/** umoci knows no zstd. */
function appOf(growing: string, layers: readonly Scripted[]): string {
  const head = `#!/bin/sh\n${USE_TOOLS}\n`;
  const tail = (name: string): string => `set -- /; . /tools/list > /out/${name}`;
  const recipes = layers.map(({ name, from, scripts }) => ({
    name,
    from,
    run: `${head}${[...scripts.values()].join('\n')}\n${tail(name)}\n`,
  }));
  return `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });
const plain = new Layer(app, 'plain', { from: 'tar:plain.tar', buildOnly: true });
const made = new Map([
  ['outside', new Layer(app, 'outside', { from: 'tar:outside.tar' })],
  ['grown', new Layer(app, 'grown', { from: plain, run: ${JSON.stringify(head + growing)} })],
  ['imported', new Layer(app, 'imported', { from: plain, imports: [{ source: './trees/', dest: '/' }] })],
]);
const binds = [{ source: 'out', dest: '/out', readonly: false, cacheKey: 'listings' }];
for (const { name, from, run } of ${JSON.stringify(recipes)}) {
  made.set(name, new Layer(app, name, { from: made.get(from), run, binds }));
}
`;
}
