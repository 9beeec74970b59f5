import { rebaseConfig } from '../../lib/stack/rebase-config';

test.each([
  [
    'an entrypoint that cleared an inherited cmd, where the new base has another one',
    { Entrypoint: ['/p'] },
    { Cmd: ['bash'] },
    { Cmd: ['sh'] },
    { Entrypoint: ['/p'] },
  ],
  [
    'a cmd under a new entrypoint',
    { Cmd: ['p'] },
    { Cmd: ['bash'] },
    { Entrypoint: ['tini'], Cmd: ['sh'] },
    { Entrypoint: ['tini'], Cmd: ['p'] },
  ],
  [
    'what only the new base changed',
    { User: 'a', Env: ['A=1'] },
    { User: 'a', Env: ['A=1'] },
    { Env: ['A=2'] },
    { Env: ['A=2'] },
  ],
  ['what both changed', { Env: ['A=2'] }, { Env: ['A=1'] }, { Env: ['A=3', 'B=1'] }, { Env: ['A=2', 'B=1'] }],
  [
    'lists of directories, entry by entry',
    { Env: ['PATH=/opt/p:/usr/games:/bin'] },
    { Env: ['PATH=/usr/games:/bin'] },
    { Env: ['PATH=/bin:/snap'] },
    { Env: ['PATH=/opt/p:/bin:/snap'] },
  ],
  [
    'a port that the new base closes',
    { ExposedPorts: { '80': {}, '81/tcp': {} } },
    { ExposedPorts: { '80/tcp': {} } },
    {},
    { ExposedPorts: { '81/tcp': {} } },
  ],
  [
    'a label that the new base drops',
    { Labels: { a: '1', b: '1' } },
    { Labels: { a: '1' } },
    {},
    { Labels: { b: '1' } },
  ],
])('an image on another base has %s', (_, config, from, to, wanted) => {
  expect(rebaseConfig(config, from, to)).toEqual(wanted);
});
