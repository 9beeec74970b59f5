import { applyConfig, settledBy } from '../../lib/stack/declared-config';
import type { RuntimeConfig } from '../../lib/oci';
import type { ConfigPlan } from '../../lib/plan';

const BASE: RuntimeConfig = {
  User: 'base',
  ExposedPorts: { '80/tcp': {} },
  Env: ['PATH=/bin', 'A=base', 'Z=base'],
  Entrypoint: ['/base'],
  Cmd: ['base'],
  Volumes: { '/base': {} },
  WorkingDir: '/base',
  Labels: { a: 'base', b: 'base' },
  StopSignal: 'SIGTERM',
  Healthcheck: { Test: ['NONE'] },
};

describe('the configuration of an image', () => {
  test.each<[string, ConfigPlan | undefined, RuntimeConfig]>([
    ['inherits everything when nothing is declared', undefined, {}],
    ['inherits everything when nothing is in the declaration', {}, {}],
    ['replaces user', { user: 'me' }, { User: 'me' }],
    ['replaces workingDir', { workingDir: '/me' }, { WorkingDir: '/me' }],
    ['replaces stopSignal', { stopSignal: '9' }, { StopSignal: '9' }],
    ['replaces cmd and keeps the entrypoint', { cmd: ['me'] }, { Cmd: ['me'] }],
    ['drops the inherited cmd with a new entrypoint', { entrypoint: ['/me'] }, { Entrypoint: ['/me'], Cmd: undefined }],
    ['has a cmd next to a new entrypoint', { entrypoint: ['/me'], cmd: ['x'] }, { Entrypoint: ['/me'], Cmd: ['x'] }],
    ['takes an empty cmd for none', { cmd: [] }, { Cmd: undefined }],
    ['takes an empty entrypoint for none', { entrypoint: [], cmd: ['x'] }, { Entrypoint: undefined, Cmd: ['x'] }],
    [
      'keeps the place of inherited variables and adds others by name',
      { env: { Y: '1', A: 'me', B: '2' } },
      { Env: ['PATH=/bin', 'A=me', 'Z=base', 'B=2', 'Y=1'] },
    ],
    ['keeps an empty value', { env: { A: '' } }, { Env: ['PATH=/bin', 'A=', 'Z=base'] }],
    ['merges labels', { labels: { b: 'me', c: 'me' } }, { Labels: { a: 'base', b: 'me', c: 'me' } }],
    ['adds volumes', { volumes: ['/me'] }, { Volumes: { '/base': {}, '/me': {} } }],
    [
      'adds ports, tcp ones by default',
      { exposedPorts: ['80', '53/udp'] },
      { ExposedPorts: { '80/tcp': {}, '53/udp': {} } },
    ],
    [
      'replaces the healthcheck as a whole',
      { healthcheck: { test: ['CMD', 'x'], interval: 5, retries: 0 } },
      { Healthcheck: { Test: ['CMD', 'x'], Interval: 5, Retries: 0 } },
    ],
  ])('%s', (_, plan, changes) => {
    const expected = Object.fromEntries(
      Object.entries({ ...BASE, ...changes }).filter(([, value]) => value !== undefined),
    );
    expect(applyConfig(BASE, plan)).toStrictEqual(expected);
  });

  test('of nothing is what is declared', () => {
    expect(applyConfig({}, { env: { B: '1', A: '2' }, volumes: ['/v'] })).toStrictEqual({
      Env: ['A=2', 'B=1'],
      Volumes: { '/v': {} },
    });
    expect(applyConfig({}, {})).toStrictEqual({});
  });

  test('inherits what we do not know', () => {
    const odd = { Shell: ['/bin/bash'], OnBuild: [] } as RuntimeConfig;
    expect(applyConfig(odd, { user: 'me' })).toStrictEqual({ ...odd, User: 'me' });
  });
});

describe('what a declaration decides', () => {
  test.each<[ConfigPlan | undefined, string[], string[]]>([
    [undefined, [], []],
    [{}, [], []],
    [{ cmd: ['x'] }, ['Cmd'], []],
    [{ entrypoint: [] }, ['Entrypoint', 'Cmd'], []],
    [{ env: { A: '1', B: '2' }, labels: { c: '3' } }, [], ['A', 'B']],
    [
      { user: 'x', workingDir: '/', stopSignal: '9', healthcheck: { test: [] } },
      ['User', 'WorkingDir', 'StopSignal', 'Healthcheck'],
      [],
    ],
  ])('%j', (plan, fields, env) => {
    expect(settledBy(plan)).toEqual({ fields: new Set(fields), env: new Set(env) });
  });
});
