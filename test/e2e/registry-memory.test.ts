import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { digestOf } from '../../lib/oci';
import { descriptorOf } from '../registry/world';
import { DiscardingRegistry, LARGE, LARGE_DIGEST } from './discarding-registry';
import { Project } from './installed';

const MINUTE = 60_000;
/** Kilobytes: Node with the client has about 75000, and collects the buffers of what it has read after 64 MiB of them. */
const LIMIT = 150_000;
/** The whole command has about 15000 more, for the plan and the store. */
const COMMAND_LIMIT = 170_000;

let registry: DiscardingRegistry;
let project: Project;

beforeEach(async () => {
  registry = await DiscardingRegistry.start();
  project = Project.create('');
});
afterEach(async () => {
  project.remove();
  await registry.stop();
});

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: LARGE_DIGEST, size: LARGE };

/** Runs a script with a client in a process of its own; gives the most memory that was resident, in kilobytes. */
async function peakOf(script: string, options: object = {}): Promise<number> {
  const program = `
    const fs = require('node:fs');
    const { Registry } = require('cdk-stack/registry');
    const layer = ${JSON.stringify(layer)};
    (async () => {
      const registry = new Registry({ env: {}, ...${JSON.stringify(options)} });
      ${script}
      await registry.close();
      console.log(/^VmHWM:\\s*(\\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
    })();`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], { cwd: project.directory });
  expect(stderr).toBe('');
  return Number(stdout);
}

function sparseFile(name: string): string {
  const file = project.path(name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, '');
  fs.truncateSync(file, LARGE);
  return file;
}

/** Publishes a large file as the only blob of a manifest. */
const publishing = (): string => `
  const open = (start) => fs.createReadStream(${JSON.stringify(sparseFile('large'))}, { start });
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, layers: [layer] }));
  const manifest = { mediaType: '${manifestType}', content, blobs: [{ ...layer, open }] };
  await registry.publish([{ repository: '${registry.host}/large', manifests: [manifest], tags: ['1'] }]);`;

test(
  'publishing a layer of 2 GiB in one request takes no more memory than a small one',
  async () => {
    expect(await peakOf(publishing(), { chunks: { threshold: 2 * LARGE } })).toBeLessThan(LIMIT);
    const sent = (await registry.log()).filter(({ bytes }) => bytes > LARGE / 2);
    expect(sent).toMatchObject([{ method: 'PUT', bytes: LARGE }]);
  },
  3 * MINUTE,
);

test(
  'publishing a layer of 2 GiB in chunks takes no more memory than a small one',
  async () => {
    expect(await peakOf(publishing())).toBeLessThan(LIMIT);
    const chunks = (await registry.log()).filter(({ method }) => method === 'PATCH');
    expect(chunks).toHaveLength(LARGE / (64 * 1024 ** 2));
    expect(chunks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(LARGE);
  },
  3 * MINUTE,
);

test(
  'reading a blob of 2 GiB takes no more memory than a small one',
  async () => {
    const read = `
      let bytes = 0;
      for await (const piece of registry.blob('${registry.host}/large', layer)) bytes += piece.length;
      if (bytes !== layer.size) throw new Error('it ended early');`;
    expect(await peakOf(read)).toBeLessThan(LIMIT);
  },
  3 * MINUTE,
);

describe('a deploy of an image with a layer of 2 GiB takes no more memory than a small one', () => {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [LARGE_DIGEST] } }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptorOf('application/vnd.oci.image.config.v1+json', config),
      layers: [layer],
    }),
  );

  function deploy(from: string): void {
    project.write({
      'app.js': `
        const { App, Layer } = require('cdk-stack');
        new Layer(new App(), 'large', { from: '${from}', platform: 'linux/amd64', config: { user: 'me' } });`,
    });
    const peak = project.path('peak');
    const outcome = project.stack(['deploy', '--to', `docker://${registry.host}/out`], {
      under: ['/usr/bin/time', '-f', '%M', '-o', peak],
    });
    expect(outcome).toMatchObject({ status: 0 });
    expect(Number(fs.readFileSync(peak, 'utf8'))).toBeLessThan(COMMAND_LIMIT);
  }

  async function sent(): Promise<number> {
    const uploads = (await registry.log()).filter(({ path: each }) => each.startsWith('/v2/x/blobs/uploads/'));
    return uploads.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  test(
    'from another registry, through which it only passes',
    async () => {
      await registry.put('base/manifests/1', manifest, manifestType);
      await registry.put(`base/manifests/${digestOf(config)}`, config, 'application/octet-stream');
      const elsewhere = `localhost:${String(registry.port)}`; // to us another registry
      deploy(`docker://${elsewhere}/base:1`);
      expect(await sent()).toBeGreaterThan(LARGE);
      const reads = (await registry.log()).filter(
        ({ method, path: each }) => method === 'GET' && each.endsWith(LARGE_DIGEST),
      );
      expect(reads).toHaveLength(1); // though it is sent in chunks
      const stored = fs.readdirSync(path.join(project.store, 'v1/blobs/sha256'));
      expect(stored).not.toContain(LARGE_DIGEST.slice('sha256:'.length));
    },
    3 * MINUTE,
  );

  test(
    'from a layout',
    async () => {
      const blob = (digest: string): string => `base/blobs/${digest.replace(':', '/')}`;
      sparseFile(blob(LARGE_DIGEST));
      project.write({
        'base/oci-layout': '{"imageLayoutVersion":"1.0.0"}',
        'base/index.json': JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(manifestType, manifest)] }),
        [blob(digestOf(config))]: config,
        [blob(digestOf(manifest))]: manifest,
      });
      deploy('oci:./base');
      expect(await sent()).toBeGreaterThan(LARGE);
    },
    3 * MINUTE,
  );
});
