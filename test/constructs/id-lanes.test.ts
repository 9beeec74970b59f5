import { DebianPackages, Layer, StackedImage, type App, type IImage, type LayerProps } from '../../lib';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

const FROM = 'docker://registry.example/debian:12';

/** The lanes of the images of an app that have one. */
function lanesOf(build: (app: App) => void): Record<string, number> {
  const app = appWith({ 'x.tar': '' });
  build(app);
  const lanes = Object.entries(planOf(app).images).map(([key, image]) => [
    key,
    'idLane' in image ? image.idLane : undefined,
  ]);
  return Object.fromEntries(lanes.filter(([, lane]) => typeof lane === 'number')) as Record<string, number>;
}

function runner(app: App, id: string, from: LayerProps['from'], props: LayerProps = {}): Layer {
  return new Layer(app, id, { from, run: 'true', ...props });
}

test('layers with scripts on one base get a lane each, whatever makes the base one', () => {
  for (const baseOf of [
    (app: App): IImage => new Layer(app, 'base', { from: FROM, run: 'true' }),
    (app: App): IImage => new Layer(app, 'base', { from: 'tar:x.tar', buildOnly: true }),
    (app: App): IImage => new DebianPackages(app, 'base', { packages: ['x'] }),
    (): string => FROM,
  ]) {
    const lanes = lanesOf((app) => {
      const base = baseOf(app);
      for (const id of ['a', 'b', 'c']) runner(app, id, base);
    });
    expect(Object.keys(lanes)).toEqual(['a', 'b', 'c']);
    expect(new Set(Object.values(lanes)).size).toBe(3);
  }
});

test('a layer has none that can never be beside another one', () => {
  const lanes = lanesOf((app) => {
    const alone = runner(app, 'alone', FROM);
    runner(app, 'above', alone);
    runner(app, 'elsewhere', 'docker://registry.example/debian:13');
    runner(app, 'nowhere', 'scratch');
    runner(app, 'nowhere-else', undefined);
    new Layer(app, 'no-script', { from: FROM });
  });
  expect(lanes).toEqual({});
});

test('layers on top of layers that have one get one too', () => {
  const lanes = lanesOf((app) => {
    const a = runner(app, 'a', FROM);
    const b = runner(app, 'b', FROM);
    const both = new StackedImage(app, 'both', [a, b], { buildOnly: true });
    runner(app, 'on-a', a);
    runner(app, 'on-both', both);
  });
  expect(Object.keys(lanes)).toEqual(['a', 'b', 'on-a', 'on-both']);
  expect(new Set(Object.values(lanes)).size).toBe(4);
});

test('what is only built to take files from has none, what is only a part of a published image has', () => {
  const lanes = lanesOf((app) => {
    for (const id of ['tool', 'compiler']) runner(app, id, FROM, { buildOnly: true });
    const parts = ['a', 'b'].map((id) => runner(app, id, FROM, { buildOnly: true }));
    new StackedImage(app, 'combined', parts);
  });
  expect(Object.keys(lanes)).toEqual(['a', 'b']);
});

test('a lane does not depend on what other layers there are, nor on their order', () => {
  const of = (ids: readonly string[]): Record<string, number> =>
    lanesOf((app) => {
      for (const id of ids) runner(app, id, FROM);
    });
  const all = of(['kernel', 'nginx', 'redis', 'zabbix']);
  expect(of(['zabbix', 'redis', 'nginx', 'kernel'])).toEqual(all);
  for (const gone of Object.keys(all)) {
    const rest = Object.fromEntries(Object.entries(all).filter(([id]) => id !== gone));
    expect(of(Object.keys(rest))).toEqual(rest);
  }
});

test('as many layers as there are lanes have different ones, and then some have the same', () => {
  const ids = Array.from({ length: 32 }, (_, index) => `layer${String(index)}`);
  const of = (count: number): number[] =>
    Object.values(
      lanesOf((app) => {
        for (const id of ids.slice(0, count)) runner(app, id, FROM);
      }),
    );
  const numbers = (lanes: number[]): number[] => [...new Set(lanes)].sort((a, b) => a - b);
  const every = Array.from({ length: 31 }, (_, index) => index + 1);
  expect(numbers(of(31))).toEqual(every);
  expect(of(32)).toHaveLength(32);
  expect(numbers(of(32))).toEqual(every);
});

test('what the user says is left as it is, and no other layer gets it', () => {
  const build = (chosen: readonly LayerProps[]) => (app: App) => {
    for (const [index, props] of chosen.entries()) runner(app, `chosen${String(index)}`, FROM, props);
    runner(app, 'other', FROM);
  };
  const own = lanesOf(build([{}]))['other'];
  const lanes = lanesOf(build([{ idLane: own }, { idLane: own }, { idLane: false }]));
  expect(lanes).toMatchObject({ chosen0: own, chosen1: own });
  expect(lanes).not.toHaveProperty('chosen2');
  expect(lanes['other']).not.toBe(own);
});

test('the ids of the base are what a layer can ask for', () => {
  const app = appWith();
  runner(app, 'it', FROM, { idLane: false });
  expect(planOf(app).images['it']).toMatchObject({ idLane: false });
});

test.each<[string, object, RegExp]>([
  ['no lane', { run: 'x', idLane: 0 }, /^idLane is 0; it must be a whole number from 1 to 31/],
  ['too high', { run: 'x', idLane: 32 }, /^idLane is 32/],
  ['no number', { run: 'x', idLane: true }, /^idLane is true/],
  ['of no use', { idLane: 1 }, /^idLane is for the script of a layer, and this one has none/],
])('a lane that is %s is reported', (_, props, message) => {
  const app = appWith();
  new Layer(app, 'it', props);
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2006', message: expect.stringMatching(message) as string }]);
});
