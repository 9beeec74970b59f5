import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';

const MINUTE = 60_000;
/** Bytes of headers and manifests, for each request. */
const OVERHEAD = 2500;

const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'none' } });
const base = new Layer(app, 'base', { imports: [{ source: 'base', dest: '/base/' }] });
const kernel = new Layer(app, 'kernel', { from: base, imports: [{ source: 'kernel', dest: '/kernel/' }] });
const ovmf = new Layer(app, 'ovmf', { from: base, imports: [{ source: 'ovmf', dest: '/ovmf/' }] });
new StackedImage(app, 'combined', [kernel, ovmf]);
`;
const SIZES = { base: 300_000, kernel: 500_000, ovmf: 200_000 };
const FILES = Object.fromEntries(
  Object.entries(SIZES).map(([name, size]) => [name, randomBytes(size).toString('latin1')]),
);
/** Both formats of everything, not compressible. */
const CONTENT = 2 * Object.values(SIZES).reduce((sum, size) => sum + size, 0);

/** Passes connections on, and counts what the client sends. */
class Counter {
  public sent = 0;

  public static async start(to: string): Promise<Counter> {
    const counter = new Counter(Number(to.split(':')[1]));
    await new Promise<void>((resolve) => counter.server.listen(0, '127.0.0.1', resolve));
    return counter;
  }

  private readonly server: Server;

  private constructor(port: number) {
    this.server = createServer((client) => {
      const registry = connect(port, '127.0.0.1');
      client.on('data', (chunk: Buffer) => (this.sent += chunk.length));
      client.pipe(registry).pipe(client);
      for (const socket of [client, registry]) {
        socket.on('error', () => {
          client.destroy();
          registry.destroy();
        });
      }
    });
  }

  public get host(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  public stop(): void {
    this.server.close();
  }
}

interface Totals {
  readonly blobsWritten: number;
  readonly bytesWritten: number;
  readonly blobsMounted: number;
}

let registry: DockerRegistry;
let wire: Counter;
let project: Project;
beforeAll(async () => {
  registry = await DockerRegistry.start();
}, MINUTE);
afterAll(() => registry.stop());
beforeEach(async () => {
  registry.clear();
  wire = await Counter.start(registry.host);
  project = Project.create(APP);
  for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(project.path(name), text, 'latin1');
});
afterEach(() => {
  wire.stop();
  project.remove();
});

/** Deploys, and compares what is said with the registry's log and the bytes that passed. */
async function deploy(prefix: string, ...args: string[]): Promise<Totals> {
  const before = { requests: (await registry.requests()).length, sent: wire.sent };
  // Not spawnSync: the counter lives in this process.
  const { ended } = project.start([
    'deploy',
    '--json',
    '--progress',
    'json',
    '--to',
    `docker://${wire.host}/${prefix}`,
    ...args,
  ]);
  const { status, stdout, stderr } = await ended;
  expect(status).toBe(0);
  const requests = (await registry.requests()).slice(before.requests);
  const [target] = (JSON.parse(stdout) as { targets: [Totals] }).targets;
  const { blobsWritten, bytesWritten, blobsMounted } = target;
  const counted = (method: string, pattern: RegExp): number =>
    requests.filter((each) => each.method === method && each.status === 201 && pattern.test(each.path)).length;
  expect({ blobsWritten, blobsMounted }).toEqual({
    blobsWritten: counted('PUT', /\/blobs\/uploads\//),
    blobsMounted: counted('POST', /[?&]mount=/),
  });
  const sent = wire.sent - before.sent;
  expect(sent).toBeGreaterThanOrEqual(bytesWritten);
  expect(sent).toBeLessThan(bytesWritten + requests.length * OVERHEAD);
  const done = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { code: string; blobs?: number; bytes?: number })
    .find(({ code }) => code === 'deploy-done');
  expect(done).toMatchObject({ blobs: blobsWritten, bytes: bytesWritten });
  return { blobsWritten, bytesWritten, blobsMounted };
}

test(
  'totals are the bytes on the wire: a first deploy, a second prefix, another store, and an emptied registry',
  async () => {
    const first = await deploy('one');
    expect(first.bytesWritten).toBeGreaterThan(CONTENT);
    expect(first.bytesWritten).toBeLessThan(CONTENT * 1.1);

    const second = await deploy('two');
    expect(second.bytesWritten).toBeLessThan(20_000);
    expect(second.blobsMounted).toBeGreaterThanOrEqual(first.blobsMounted);

    fs.rmSync(project.store, { recursive: true });
    expect(await deploy('two')).toEqual({ blobsWritten: 0, bytesWritten: 0, blobsMounted: 0 });
    expect((await deploy('three')).bytesWritten).toBeLessThan(20_000);

    registry.clear();
    expect((await deploy('three')).bytesWritten).toBe(first.bytesWritten);
  },
  2 * MINUTE,
);

test(
  'a store that knows nothing finds the parts of a combination by asking, also for a dry run',
  async () => {
    await deploy('one', 'kernel', 'ovmf');
    fs.rmSync(project.store, { recursive: true });

    const planned = project.start(['deploy', '--json', '--dry-run', '--to', `docker://${wire.host}/one`, 'combined']);
    const plan = (JSON.parse((await planned.ended).stdout) as { targets: [Totals] }).targets[0];
    const combined = await deploy('one', 'combined');

    expect(combined).toMatchObject({ bytesWritten: plan.bytesWritten, blobsMounted: plan.blobsMounted });
    expect(combined.bytesWritten).toBeLessThan(5_000);
  },
  2 * MINUTE,
);
