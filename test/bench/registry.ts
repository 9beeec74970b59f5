import { createCipheriv } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { DockerRegistry } from '../e2e/docker-registry';
import { compare, measure, type Run } from './measure';
import { row, type Workplace } from './workplace';

/** Layers and their sizes in bytes: some large, many small, as images have them. */
const LAYERS = [...Array<number>(5).fill(40_000_000), ...Array<number>(20).fill(100_000)];
/** Where skopeo remembers which repository has which blob. */
const SKOPEO_MEMORY = [
  '/var/lib/containers/cache',
  path.join(process.env['HOME'] ?? '/', '.local/share/containers/cache'),
];

/** One image between a layout and Debian's registry on this machine, against skopeo. */
export async function registry(workplace: Workplace, rounds: number): Promise<void> {
  const directory = workplace.project(`const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layers = ${JSON.stringify(LAYERS)}.map((_, at) => new Layer(app, 'layer-' + at, { buildOnly: true, imports: [{ source: 'file-' + at, dest: '/' }] }));
new StackedImage(app, 'app', layers);
`);
  for (const [at, size] of LAYERS.entries())
    fs.writeFileSync(path.join(directory, `file-${String(at)}`), noise(at, size));
  workplace.stack('deploy --quiet --to oci:./oci');
  const server = await DockerRegistry.start();
  try {
    const total = LAYERS.reduce((sum, size) => sum + size, 0) / 1e6;
    console.log(`an image of ${String(LAYERS.length)} layers, ${total.toFixed(0)} MB, and docker-registry on loopback`);
    pushAndPull(workplace, server, path.join(directory, 'oci'), rounds);
  } finally {
    await server.stop();
  }
}

function pushAndPull(workplace: Workplace, server: DockerRegistry, layout: string, rounds: number): void {
  const tls = '--src-tls-verify=false --dest-tls-verify=false';
  /** @param to asked before each run */
  const pair = (what: string, reset: () => void, from: string, to: (who: string) => string): void => {
    const ours = { name: 'ours', reset, run: () => workplace.stack(`copy --quiet ${from} ${to('ours')}`) };
    const run = (): Run => measure(`skopeo copy --quiet ${tls} ${from} ${to('theirs')}`);
    for (const each of compare(ours, [{ name: 'skopeo copy', reset, run }], rounds)) row(what, each);
  };
  const forget = (): void => {
    server.clear();
    workplace.clear('store');
    for (const place of SKOPEO_MEMORY) fs.rmSync(place, { recursive: true, force: true });
  };
  const source = `oci:${layout}:app`;
  const at = (name: string): string => `docker://${server.host}/${name}:1`;
  pair('push, new', forget, source, (who) => at(`new/${who}`));
  forget();
  pair(
    'push, again',
    () => undefined,
    source,
    (who) => at(`again/${who}`),
  );
  let count = 0;
  const another = (): void => void (count += 1);
  pair('push, another repository', another, source, (who) => at(`more-${String(count)}/${who}`));
  const out = workplace.path('pulled');
  const empty = (): void => {
    workplace.clear('pulled');
    fs.mkdirSync(out);
  };
  pair('pull', empty, at('again/ours'), (who) => `oci:${out}/${who}:app`);
}

/** Bytes that do not compress, the same every time. */
function noise(seed: number, size: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed + 1), Buffer.alloc(16)).update(Buffer.alloc(size));
}
