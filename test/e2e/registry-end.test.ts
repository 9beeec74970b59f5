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
