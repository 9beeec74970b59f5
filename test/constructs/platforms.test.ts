import { DebianPackages, Layer, StackedImage } from '../../lib';
import { failureOf } from '../failure';
import { appWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

test('components declared for different platforms are told at synth, with the place of the combined image', async () => {
  const app = appWith();
  const arm = new Layer(app, 'arm', { platform: 'linux/arm64' });
  const onArm = new Layer(app, 'on-arm', { from: arm });
  const amd = new DebianPackages(app, 'amd', { packages: ['x'], platform: 'linux/amd64' });
  new StackedImage(app, 'both', [onArm, amd]);
  expect(await failureOf(() => app.synth())).toMatchObject({
    code: 'STACK5001',
    message: "'on-arm' is for linux/arm64 and 'amd' is for linux/amd64",
    constructPath: 'both',
    source: expect.stringContaining('platforms.test.ts') as string,
  });
});

test('so is an image that is declared for another platform than what it stands on', async () => {
  const app = appWith();
  const base = new Layer(app, 'base', { platform: 'linux/amd64' });
  new Layer(app, 'top', { from: base, platform: 'linux/arm64' });
  expect(await failureOf(() => app.synth())).toMatchObject({ code: 'STACK5001', constructPath: 'top' });
});

test('the same platform in other words, or none at all, is no contradiction before the deploy', () => {
  const app = appWith();
  const one = new Layer(app, 'one', { platform: 'linux/arm64' });
  const other = new Layer(app, 'other', { platform: 'linux/arm64/v8' });
  new StackedImage(app, 'both', [one, other, new Layer(app, 'any')]);
  expect(() => app.synth()).not.toThrow();
});
