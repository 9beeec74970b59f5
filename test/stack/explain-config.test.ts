import { explainConfig, mergeConfigs, sharedConfiguration, type Configuration } from '../../lib/stack';
import type { RuntimeConfig } from '../../lib/oci';

function image(name: string, runtime: RuntimeConfig, base?: Configuration, declared?: RuntimeConfig): Configuration {
  return { name, runtime, base, declared, layers: [...(base?.layers ?? []), name] };
}

function combined(components: readonly Configuration[], declared: RuntimeConfig = {}): Configuration {
  const base = sharedConfiguration(components);
  const configs = components.map(({ name, runtime }) => ({ name, config: runtime }));
  const env = new Set((declared.Env ?? []).map((each) => each.replace(/=.*/, '')));
  const fields = new Set(Object.keys(declared) as (keyof RuntimeConfig)[]);
  const runtime = { ...mergeConfigs(configs, base?.runtime, { fields, env }), ...declared };
  return { name: 'both', runtime, layers: [], declared, base, components };
}

function fieldsOf(configuration: Configuration): Record<string, readonly [value: unknown, from: string]> {
  return Object.fromEntries(
    explainConfig(configuration).map(({ field, value, from }) => [field, [value, from.join(' ')]]),
  );
}

const debian = image('docker://debian', { Env: ['PATH=/bin', 'LANG=C'], Cmd: ['bash'] });
const base = image('base', { ...debian.runtime, User: 'me' }, debian, { User: 'me' });
const a = image(
  'a',
  { Env: ['PATH=/a:/bin', 'LANG=C'], Entrypoint: ['a'], User: 'me', Labels: { x: '1', made: 'yes' } },
  base,
  { Env: ['PATH=/a:/bin'], Entrypoint: ['a'], Labels: { x: '1' } },
);
const b = image(
  'b',
  { ...base.runtime, Env: ['PATH=/bin:/b', 'LANG=de'], ExposedPorts: { '80': {} }, Volumes: { '/v': {} } },
  base,
  { Env: ['PATH=/bin:/b', 'LANG=de'], ExposedPorts: { '80': {} }, Volumes: { '/v': {} } },
);

test('the fields of a layer come from whoever set them last', () => {
  expect(fieldsOf(a)).toEqual({
    cmd: [undefined, 'docker://debian'],
    'env.LANG': ['C', 'docker://debian'],
    'env.PATH': ['/a:/bin', 'a'],
    entrypoint: [['a'], 'a'],
    'labels.made': ['yes', 'a'],
    'labels.x': ['1', 'a'],
    user: ['me', 'base'],
  });
  expect(explainConfig(image('empty', {}))).toEqual([]);
});

test('the fields of a combination come from its components, from their base, or from both', () => {
  expect(fieldsOf(combined([a, b]))).toEqual({
    cmd: [undefined, 'docker://debian'],
    'env.LANG': ['de', 'b'],
    'env.PATH': ['/a:/bin:/b', 'docker://debian a b'],
    entrypoint: [['a'], 'a'],
    'exposedPorts.80/tcp': [{}, 'b'],
    'labels.made': ['yes', 'a'],
    'labels.x': ['1', 'a'],
    user: ['me', 'base'],
    'volumes./v': [{}, 'b'],
  });
});

test('what a combination sets itself is its own, whatever its components have', () => {
  const c = image('c', { ...base.runtime, User: 'you' }, base, { User: 'you' });
  const d = image('d', { ...base.runtime, User: 'root' }, base, { User: 'root' });
  expect(fieldsOf(combined([c, d], { User: 'root' }))['user']).toEqual(['root', 'both']);
});

test('a value that several set is from all of them, and the last label wins', () => {
  const c = image('c', { User: 'you', Labels: { x: '1', y: '1' } });
  const d = image('d', { User: 'you', Labels: { x: '2', y: '1' } });
  expect(fieldsOf(combined([c, d]))).toEqual({
    'labels.x': ['2', 'd'],
    'labels.y': ['1', 'c d'],
    user: ['you', 'c d'],
  });
});

test('labels that say who a component is are left out', () => {
  const title = 'org.opencontainers.image.title';
  const parts = ['c', 'd'].map((name) => image(name, { Labels: { [title]: name } }));
  expect(fieldsOf(combined(parts))).toEqual({ [`labels.${title}`]: [undefined, 'c d'] });
});

test('a combination inside of another one is looked through', () => {
  const inner = { ...combined([a, b]), name: 'inner' };
  const c = image('c', { ...base.runtime, StopSignal: 'SIGINT' }, base, { StopSignal: 'SIGINT' });
  expect(fieldsOf(combined([inner, c]))).toMatchObject({
    'env.PATH': ['/a:/bin:/b', 'docker://debian a b'],
    'env.LANG': ['de', 'b'],
    stopSignal: ['SIGINT', 'c'],
    user: ['me', 'base'],
  });
});

test('combinations of combinations are not walked in all ways', () => {
  const lower = image('lower', { User: 'me' });
  let [first, second] = [lower, image('second', { User: 'me' })];
  for (let depth = 0; depth < 60; depth += 1) {
    const next = { name: `c${String(depth)}`, runtime: { User: 'me' }, layers: [], components: [first, second] };
    [first, second] = [second, next];
  }
  expect(fieldsOf(second)['user']).toEqual(['me', 'second lower']);
});
