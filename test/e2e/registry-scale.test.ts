import { FakeRegistry, type LoggedRequest } from '../../lib/registry/testing';
import { DockerRegistry, type AnsweredRequest } from './docker-registry';
import { Project } from './installed';
import { deployed } from './on-busybox';
import { countOf, withoutSecondLooks } from '../registry/requests';

const MINUTE = 60_000;
const LAYERS = 20;

/** As many combinations as wanted of the same layers. */
const APP = `const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layers = Array.from({ length: Number(app.node.tryGetContext('layers') ?? ${String(LAYERS)}) }, (_, index) =>
  new Layer(app, 'layer-' + index, { imports: [{ source: 'content', dest: '/layer/' + index + '/' }] }),
);
for (let index = 0; index < Number(app.node.tryGetContext('images')); index += 1) {
  new StackedImage(app, 'image-' + index, layers, { config: { env: { INDEX: String(index) } } });
}
`;

interface Deployed {
  readonly targets: readonly [
    { readonly images: readonly { readonly layers: readonly { readonly digest: string }[]; readonly name: string }[] },
  ];
}

let project: Project;

beforeEach(() => {
  project = Project.create(APP, { content: 'x'.repeat(10_000) });
});
afterEach(() => {
  project.remove();
});

const digestIn = ({ path }: AnsweredRequest): string | null => new URL(path, 'http://x').searchParams.get('digest');

test(
  'to images that share 20 layers each layer is uploaded once, with requests in proportion to the images',
  async () => {
    const registry = await DockerRegistry.start();
    try {
      const counts = new Map<number, number>();
      for (const images of [15, 30, 60]) {
        const prefix = `deploy-${String(images)}`;
        const since = (await registry.requests()).length;
        const args = [
          'deploy',
          '--json',
          '-c',
          `images=${String(images)}`,
          '--to',
          `docker://${registry.host}/${prefix}`,
        ];
        const env = { STACK_HOME: project.path(prefix) }; // a store that knows of no other repository
        const { stdout } = deployed(project.stack(args, { env }));

        const log = (await registry.requests()).slice(since);
        counts.set(images, withoutSecondLooks(log).length);
        const [target] = (JSON.parse(stdout) as Deployed).targets;
        const combined = target.images.filter(({ name }) => name.startsWith('image-'));
        expect(combined).toHaveLength(images);
        const layers = new Set(combined.flatMap((image) => image.layers.map(({ digest }) => digest)));
        expect(layers.size).toBe(LAYERS);
        const uploads = log.filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/uploads/'));
        expect(uploads.filter((each) => layers.has(digestIn(each) ?? ''))).toHaveLength(LAYERS);
        expect(uploads).toHaveLength(LAYERS + LAYERS + images); // configs, too
        expect(log.filter(({ status }) => status >= 400 && status !== 404)).toEqual([]);

        deployed(project.stack(args, { env }));
        const again = (await registry.requests()).slice(since + log.length);
        expect(countOf(again)).toEqual({ HEAD: 2 * (LAYERS + images) });
      }
      const [of15 = 0, of30 = 0, of60 = 0] = [15, 30, 60].map((images) => counts.get(images));
      // eslint-disable-next-line no-console -- for those who compare
      console.info(`requests for 20 layers and 15, 30 and 60 combinations: ${[of15, of30, of60].join(', ')}`);
      expect(of60 - of30).toBe(2 * (of30 - of15));
    } finally {
      await registry.stop();
    }
  },
  5 * MINUTE,
);

/** Most requests that waited for each other, by what they were. */
function sequence(log: readonly LoggedRequest[]): string[] {
  const longest = new Map<LoggedRequest, string[]>();
  for (const request of log) {
    const before = log.filter(({ ended }) => ended < request.began).map((each) => longest.get(each) ?? []);
    const most = before.reduce((a, b) => (b.length > a.length ? b : a), []);
    longest.set(request, [...most, `${request.method} ${/blobs|manifests/.exec(request.path)?.[0] ?? ''}`]);
  }
  return [...longest.values()].reduce((a, b) => (b.length > a.length ? b : a), []);
}

test(
  'a combination of published parts uploads its config and nothing else, in as few steps as registries allow',
  async () => {
    const fake = await FakeRegistry.start();
    try {
      const layers = 5; // so few that all can be mounted at a time
      const to = ['-c', 'images=1', '-c', `layers=${String(layers)}`, '--to', `docker://${fake.host}/acme`];
      deployed(await project.start(['deploy', 'layer-*', ...to]).ended);
      fake.log.length = 0;
      fake.behavior.latency = 200;

      deployed(await project.start(['deploy', 'image-0', ...to]).ended);

      expect(countOf(fake.log)).toEqual({ HEAD: 2, POST: layers + 1, PUT: 2 });
      const posts = fake.log.filter(({ method }) => method === 'POST');
      expect(posts.filter(({ path, status }) => path.includes('mount=') && status === 201)).toHaveLength(layers);
      const puts = fake.log.filter(({ method }) => method === 'PUT').map(({ path }) => path.split('/').at(-2));
      expect(puts).toEqual(['uploads', 'manifests']); // the config, and the manifest under its tag
      expect(fake.log.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(20_000);
      expect(sequence(fake.log)).toEqual([
        'HEAD manifests',
        'POST blobs', // the upload of the config begins, and all mounts
        'PUT blobs',
        'PUT manifests',
      ]);
    } finally {
      await fake.stop();
    }
  },
  2 * MINUTE,
);
