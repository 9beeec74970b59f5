import { digestOf } from '../../lib/oci';
import { FakeRegistry } from '../../lib/registry/testing';
import { bytes, collect, imageOf } from '../registry/world';
import { DiscardingRegistry } from './discarding-registry';
import { Project } from './installed';

// The registry keeps connections for ten minutes: whoever waits for them does not end before these tests give up.
jest.setTimeout(60_000);

let registry: DiscardingRegistry;
let project: Project;

beforeEach(async () => {
  registry = await DiscardingRegistry.start();
  project = Project.create("const { App, Layer } = require('cdk-stack'); new Layer(new App(), 'x');");
});
afterEach(async () => {
  project.remove();
  await registry.stop();
});

const to = (): string[] => ['--to', `docker://${registry.host}/acme`];

test('a deploy ends when it is done, whether there was something to do or not', async () => {
  expect(await project.start(['deploy', ...to()]).ended).toMatchObject({ status: 0 });
  const again = await project.start(['deploy', ...to()]).ended;
  expect(again.stdout).toContain('nothing to do');
  expect(await project.start(['deploy', '--dry-run', ...to()]).ended).toMatchObject({ status: 0 });
});

test('a deploy that fails ends, too', async () => {
  project.write({
    'app.js': `const { App, Layer } = require('cdk-stack');
      new Layer(new App(), 'x', { from: 'docker://${registry.host}/none:1' });`,
  });
  const { status, stderr } = await project.start(['deploy', ...to()]).ended;
  expect(stderr).toMatch(/^error STACK6107/m);
  expect(status).toBe(1);
});

test('a look at what is published ends', async () => {
  await project.start(['deploy', ...to()]).ended;
  expect(await project.start(['inspect', 'x', ...to()]).ended).toMatchObject({ status: 0 });
});

test('a deploy to a layout that fails does not wait for transfers that go on', async () => {
  const [large, missing] = [bytes('large', 4 * 1024 * 1024), bytes('missing', 100_000)];
  const path = (blob: Buffer): string => `/blobs/${digestOf(blob)}`;
  const fake = await FakeRegistry.start();
  fake.behavior.fault = (request) => {
    if (request.path.endsWith(path(large))) return { slowAnswer: 5000 }; // which takes five minutes
    return request.path.endsWith(path(missing)) ? { status: 404 } : undefined;
  };
  try {
    const image = imageOf([large, missing]);
    const repository = fake.repository('acme/base');
    for (const blob of image.blobs) repository.addBlob(await collect(blob.open(0)));
    repository.addManifest(image.mediaType, image.content, '1');
    project.write({
      'app.js': `const { App, Layer } = require('cdk-stack');
        new Layer(new App(), 'x', { from: 'docker://${fake.host}/acme/base:1', platform: 'linux/amd64', config: { user: 'me' } });`,
    });
    const { status, stderr } = await project.start(['deploy', '--to', 'oci:./oci']).ended;
    expect(stderr).toMatch(/^error STACK6107/m);
    expect(status).toBe(1);
  } finally {
    await fake.stop();
  }
});
