import type { RuntimeConfig } from '../../lib/oci';
import { NOTHING_SETTLED, stackImages, type ImageVariant, type Settled } from '../../lib/stack';
import { failureOf } from '../failure';
import { components, image } from './fixture';

/** The config of a stack of images with these configs; they stand on a base where one is given. */
function merge(
  configs: readonly RuntimeConfig[],
  base?: RuntimeConfig,
  settled: Settled = NOTHING_SETTLED,
): RuntimeConfig {
  const lower = base === undefined ? undefined : image(['base'], base);
  const [first, ...others] = configs.map((config): ImageVariant => image(['base'], config, { base: lower }));
  return stackImages(components(first!, ...others), settled).config;
}

const settles = (fields: readonly (keyof RuntimeConfig)[], env: readonly string[] = []): Settled => ({
  fields: new Set(fields),
  env: new Set(env),
});

const ID = 'org.opencontainers.image';

interface Row {
  readonly what: string;
  readonly base?: RuntimeConfig;
  readonly of: readonly RuntimeConfig[];
  readonly settled?: Settled;
  readonly gives: RuntimeConfig;
}

const MERGES: readonly Row[] = [
  { what: 'nothing', of: [{}, {}], gives: {} },

  {
    what: 'env: variables of different components',
    of: [{ Env: ['A=1'] }, { Env: ['B=2'] }],
    gives: { Env: ['A=1', 'B=2'] },
  },
  { what: 'env: the same value twice', of: [{ Env: ['A=1'] }, { Env: ['A=1'] }], gives: { Env: ['A=1'] } },
  { what: 'env: a value with =, and an entry without', of: [{ Env: ['A=x=y', 'B'] }], gives: { Env: ['A=x=y', 'B='] } },
  {
    what: 'env: one variable twice in one component, where the last counts',
    of: [{ Env: ['A=1', 'A=2'] }],
    gives: { Env: ['A=2'] },
  },
  {
    what: 'env: a change of one component against the base',
    base: { Env: ['A=1', 'B=1'] },
    of: [{ Env: ['A=1', 'B=1'] }, { Env: ['A=2', 'B=1'] }, { Env: ['A=1', 'B=1'] }],
    gives: { Env: ['A=2', 'B=1'] },
  },
  {
    what: 'env: the same change twice',
    base: { Env: ['A=1'] },
    of: [{ Env: ['A=2'] }, { Env: ['A=2'] }],
    gives: { Env: ['A=2'] },
  },
  { what: 'env: a removal against the base', base: { Env: ['A=1'] }, of: [{}, { Env: ['A=1'] }], gives: {} },
  {
    what: 'env: a contradiction that the combination settles',
    of: [{ Env: ['A=1'] }, { Env: ['A=2'] }],
    settled: settles([], ['A']),
    gives: { Env: ['A=1'] },
  },
  {
    what: 'paths: united in order',
    of: [{ Env: ['PATH=/a:/bin'] }, { Env: ['PATH=/bin:/b'] }],
    gives: { Env: ['PATH=/a:/bin:/b'] },
  },
  {
    what: "paths: what stood before the base's entries stays before them",
    base: { Env: ['PATH=/usr/bin:/bin'] },
    of: [{ Env: ['PATH=/a:/usr/bin:/bin'] }, { Env: ['PATH=/b:/usr/bin:/bin'] }, { Env: ['PATH=/usr/bin:/bin:/c'] }],
    gives: { Env: ['PATH=/a:/b:/usr/bin:/bin:/c'] },
  },
  {
    what: 'paths: a change by one component only, as it is',
    base: { Env: ['PATH=/usr/bin:/bin'] },
    of: [{ Env: ['PATH=/usr/bin:/opt:/bin'] }, { Env: ['PATH=/usr/bin:/bin'] }],
    gives: { Env: ['PATH=/usr/bin:/opt:/bin'] },
  },
  {
    what: 'paths: an empty one adds nothing',
    of: [{ Env: ['LD_LIBRARY_PATH='] }, { Env: ['LD_LIBRARY_PATH=/a'] }, { Env: ['LD_LIBRARY_PATH=/b'] }],
    gives: { Env: ['LD_LIBRARY_PATH=/a:/b'] },
  },
  ...['MANPATH', 'PKG_CONFIG_PATH', 'PYTHONPATH', 'XDG_DATA_DIRS', 'XDG_CONFIG_DIRS'].map((name): Row => ({
    what: `paths: ${name} is one`,
    of: [{ Env: [`${name}=/a`] }, { Env: [`${name}=/b`] }],
    gives: { Env: [`${name}=/a:/b`] },
  })),

  {
    what: 'entrypoint and cmd of the one component that has them',
    of: [{}, { Entrypoint: ['/run'], Cmd: ['x'] }],
    gives: { Entrypoint: ['/run'], Cmd: ['x'] },
  },
  {
    what: 'entrypoint and cmd as one unit: an entrypoint drops the inherited cmd',
    base: { Cmd: ['bash'] },
    of: [{ Entrypoint: ['/run'] }, { Cmd: ['bash'] }],
    gives: { Entrypoint: ['/run'] },
  },
  {
    what: 'an entrypoint that the combination replaces',
    of: [{ Entrypoint: ['/a'] }, { Entrypoint: ['/b'], Cmd: ['b'] }],
    settled: settles(['Entrypoint', 'Cmd']),
    gives: { Entrypoint: ['/a'] },
  },
  {
    what: 'a cmd that the combination replaces, with one entrypoint',
    of: [
      { Entrypoint: ['/a'], Cmd: ['a'] },
      { Entrypoint: ['/a'], Cmd: ['b'] },
    ],
    settled: settles(['Cmd']),
    gives: { Entrypoint: ['/a'] },
  },
  {
    what: 'empty lists and texts as none',
    of: [
      { Cmd: [], User: '' },
      { Cmd: ['x'], User: 'me' },
    ],
    gives: { Cmd: ['x'], User: 'me' },
  },

  ...(['User', 'WorkingDir', 'StopSignal'] as const).flatMap((field): Row[] => [
    { what: `${field}: of the one that sets it`, of: [{}, { [field]: '/x' }], gives: { [field]: '/x' } },
    { what: `${field}: equal ones`, of: [{ [field]: '/x' }, { [field]: '/x' }], gives: { [field]: '/x' } },
    {
      what: `${field}: one change against the base`,
      base: { [field]: '/base' },
      of: [{ [field]: '/base' }, { [field]: '/x' }],
      gives: { [field]: '/x' },
    },
    {
      what: `${field}: a contradiction that the combination settles`,
      of: [{ [field]: '/x' }, { [field]: '/y' }],
      settled: settles([field]),
      gives: { [field]: '/x' },
    },
  ]),
  {
    what: 'healthcheck: one change',
    of: [{}, { Healthcheck: { Test: ['NONE'] } }],
    gives: { Healthcheck: { Test: ['NONE'] } },
  },
  {
    what: 'members we do not know, as long as components agree',
    of: [{ Shell: ['/bin/bash'] } as RuntimeConfig, { Shell: ['/bin/bash'] } as RuntimeConfig, {}],
    gives: { Shell: ['/bin/bash'] } as RuntimeConfig,
  },

  {
    what: 'ports: united, 80 being 80/tcp',
    of: [{ ExposedPorts: { '80': {}, '53/udp': {} } }, { ExposedPorts: { '80/tcp': {}, '443/tcp': {} } }],
    gives: { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '443/tcp': {} } },
  },
  {
    what: 'volumes: united',
    of: [{ Volumes: { '/a': {} } }, { Volumes: { '/b': {} } }],
    gives: { Volumes: { '/a': {}, '/b': {} } },
  },

  {
    what: 'labels: united, the last one wins',
    of: [{ Labels: { a: '1', b: '1' } }, { Labels: { b: '2', c: '2' } }],
    gives: { Labels: { a: '1', b: '2', c: '2' } },
  },
  {
    what: 'labels: an inherited one does not win over a change',
    base: { Labels: { a: 'base' } },
    of: [{ Labels: { a: 'changed' } }, { Labels: { a: 'base' } }],
    gives: { Labels: { a: 'changed' } },
  },
  {
    what: 'labels: those that say who an image is, only where all agree',
    of: [
      { Labels: { [`${ID}.title`]: 'a', [`${ID}.vendor`]: 'v', [`${ID}.licenses`]: 'MIT' } },
      { Labels: { [`${ID}.title`]: 'b', [`${ID}.version`]: '1', [`${ID}.licenses`]: 'MIT' } },
    ],
    gives: { Labels: { [`${ID}.vendor`]: 'v', [`${ID}.licenses`]: 'MIT' } },
  },
  {
    what: 'labels: one called __proto__ is a label',
    of: [{ Labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> }, {}],
    gives: { Labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> },
  },
];

interface Conflict {
  readonly what: string;
  readonly base?: RuntimeConfig;
  readonly of: readonly RuntimeConfig[];
  readonly settled?: Settled;
  readonly says: string;
  readonly hint: string;
}

const CONFLICTS: readonly Conflict[] = [
  {
    what: 'env',
    of: [{ Env: ['A=1'] }, {}, { Env: ['A=2'] }],
    says: "'a' and 'c' set A to different values",
    hint: 'env: { A: … }',
  },
  {
    what: 'env changed twice against the base',
    base: { Env: ['A=0'] },
    of: [{ Env: ['A=0'] }, { Env: ['A=1'] }, { Env: ['A=2'] }],
    says: "'b' and 'c' set A",
    hint: 'env: { A: … }',
  },
  {
    what: 'env, though another variable is settled',
    of: [{ Env: ['A=1'] }, { Env: ['A=2'] }],
    settled: settles([], ['B']),
    says: 'set A to different values',
    hint: 'A',
  },
  {
    what: 'entrypoint',
    of: [{ Entrypoint: ['/a'] }, { Entrypoint: ['/b'] }],
    says: `entrypoint: {"Entrypoint":["/a"]} and {"Entrypoint":["/b"]}`,
    hint: 'config: { entrypoint: … }',
  },
  { what: 'cmd', of: [{ Cmd: ['a'] }, { Cmd: ['b'] }], says: "'a' and 'b'", hint: 'config: { entrypoint: … }' },
  {
    what: 'entrypoints, though the cmd is settled',
    of: [{ Entrypoint: ['/a'] }, { Entrypoint: ['/b'] }],
    settled: settles(['Cmd']),
    says: 'entrypoint',
    hint: 'entrypoint',
  },
  {
    what: 'user',
    of: [{ User: 'a' }, { User: 'b' }],
    says: 'user: {"User":"a"} and {"User":"b"}',
    hint: 'config: { user: … }',
  },
  { what: 'workingDir', of: [{ WorkingDir: '/a' }, { WorkingDir: '/b' }], says: 'workingDir', hint: 'workingDir' },
  {
    what: 'stopSignal',
    of: [{ StopSignal: 'SIGINT' }, { StopSignal: 'SIGHUP' }],
    says: 'stopSignal',
    hint: 'stopSignal',
  },
  {
    what: 'healthcheck',
    of: [{ Healthcheck: { Test: ['NONE'] } }, { Healthcheck: { Test: ['CMD', 'x'] } }],
    says: 'healthcheck',
    hint: 'healthcheck',
  },
  {
    what: 'a change and a removal',
    base: { User: 'base' },
    of: [{}, { User: 'me' }],
    says: 'user: nothing and {"User":"me"}',
    hint: 'user',
  },
  {
    what: 'members we do not know',
    of: [{ Shell: ['sh'] } as RuntimeConfig, { Shell: ['bash'] } as RuntimeConfig],
    says: 'Shell',
    hint: 'build the components with the same one',
  },
];

describe('the configuration of a combination', () => {
  test.each(MERGES)('has $what', ({ of, base, settled, gives }) => {
    expect(merge(of, base, settled)).toEqual(gives);
  });

  test.each(CONFLICTS)('cannot be told for different values: $what', async ({ of, base, settled, says, hint }) => {
    const error = await failureOf(() => merge(of, base, settled));
    expect(error.code).toBe('STACK5004');
    expect(error.message).toContain(says);
    expect(error.hint).toContain(hint);
  });

  test('of one image is its own, identity labels and all', () => {
    const config: RuntimeConfig = {
      Env: ['PATH=/bin', 'A=1'],
      Entrypoint: ['/run'],
      Cmd: ['x'],
      Labels: { [`${ID}.title`]: 'a' },
      ExposedPorts: { '80/tcp': {} },
      User: 'me',
    };
    expect(merge([config])).toEqual(config);
    expect(merge([config, config])).toEqual(config);
  });

  test('is told from the nearest image that all stand on', () => {
    const base = image(['base'], { User: 'root', Cmd: ['bash'] });
    const middle = image(['base', 'm'], { User: 'middle', Cmd: ['bash'] }, { base });
    const a = image(['base', 'm', 'a'], { User: 'a', Cmd: ['bash'] }, { base: middle });
    const b = image(['base', 'm', 'b'], { User: 'middle', Cmd: ['b'] }, { base: middle });
    expect(stackImages(components(a, b)).config).toEqual({ User: 'a', Cmd: ['b'] });
    const onBase = image(['base', 'c'], { User: 'root', Cmd: ['bash'] }, { base });
    expect(stackImages(components(b, onBase)).config).toEqual({ User: 'middle', Cmd: ['b'] });
  });

  test('takes a component that another one stands on for their base', () => {
    const base = image(['base'], { User: 'root' });
    const on = image(['base', 'a'], { User: 'a' }, { base });
    expect(stackImages(components(base, on)).config).toEqual({ User: 'a' });
  });

  test('knows a base by what it is: two that were opened apart are one', () => {
    const on = (user: string): ImageVariant =>
      image(['base', user], { User: user }, { base: image(['base'], { User: 'root', Cmd: ['x'] }) });
    expect(stackImages(components(on('root'), on('me'))).config).toMatchObject({ User: 'me' });
  });

  test("of stacks: the inner one's own config counts, and the base is found through it", () => {
    const base = image(['base'], { User: 'root' });
    const a = image(['base', 'a'], { User: 'root' }, { base });
    const b = image(['base', 'b'], { User: 'b' }, { base });
    const inner = stackImages(components(a, a));
    const settled = { ...inner, config: { ...inner.config, WorkingDir: '/inner' } };
    expect(stackImages(components(settled, b)).config).toEqual({ User: 'b', WorkingDir: '/inner' });
  });
});
