import { earlyFlag, isCi, styleOf } from '../../lib/cli/io';
import { RecordedStream } from './stream';

const terminal = new RecordedStream(true);
const pipe = new RecordedStream(false);

describe('styleOf', () => {
  test.each<[string, RecordedStream, NodeJS.ProcessEnv, boolean | undefined, boolean]>([
    ['a terminal', terminal, {}, undefined, true],
    ['a pipe', pipe, {}, undefined, false],
    ['a dumb terminal', terminal, { TERM: 'dumb' }, undefined, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, undefined, false],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, undefined, true],
    ['FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, undefined, true],
    ['FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, undefined, false],
    ['FORCE_COLOR and NO_COLOR', pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, undefined, true],
    ['--color over NO_COLOR', pipe, { NO_COLOR: '1' }, true, true],
    ['--no-color over FORCE_COLOR', terminal, { FORCE_COLOR: '1' }, false, false],
  ])('decides on colors for %s', (_what, stream, env, flag, expected) => {
    expect(styleOf(stream, env, flag).colors.isColorSupported).toBe(expected);
  });

  test('falls back to letters where the terminal may not know symbols', () => {
    expect(styleOf(terminal, { LANG: 'en_US.UTF-8' }).symbols.done).toBe('✔');
    expect(styleOf(terminal, { LANG: 'en_US.UTF-8', LC_ALL: 'C' }).symbols.done).toBe('+');
    expect(styleOf(terminal, {}).symbols.done).toBe('+');
    expect(styleOf(terminal, { LANG: 'C.UTF-8', TERM: 'linux' }).symbols.done).toBe('+');
  });
});

test('isCi follows the variable CI, unless it says no', () => {
  expect([{}, { CI: '' }, { CI: 'false' }, { CI: '0' }, { CI: 'true' }, { CI: '1' }].map(isCi)).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
  ]);
});

test.each([
  [['ls', '--json'], true],
  [['ls', '-qj'], true],
  [['ls', '--json', '--no-json'], false],
  [['ls', '-o', 'x'], undefined],
])('earlyFlag reads --json off %j', (argv, expected) => {
  expect(earlyFlag(argv, 'json')).toBe(expected);
});
