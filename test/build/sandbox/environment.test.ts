import { execFileSync } from 'node:child_process';
import { shellEnvironment, withDefaults } from '../../../lib/build/sandbox/environment';
import { commandLine, quote } from '../../../lib/build/sandbox/shell-text';

/** What a program gets to see when a shell starts it with an environment. */
function throughShell(env: Readonly<Record<string, string>>): Record<string, string> {
  const { exported, envArguments } = shellEnvironment(env);
  const script = [
    ...exported.map(([name, value]) => `export ${name}=${quote(value)}`),
    `exec env ${commandLine(envArguments)} /usr/bin/env -0`,
  ].join('\n');
  const output = execFileSync('/bin/sh', ['-c', script], { env: {}, encoding: 'utf8' });
  return Object.fromEntries(
    output
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

describe('the environment of a script', () => {
  test('gets through a shell exactly as it is', () => {
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: '/root',
      PLAIN: 'a b',
      QUOTES: `it's "quoted" $HOME \`id\` \\n`,
      LINES: 'one\ntwo\n\n',
      EMPTY: '',
      'dotted.name': 'x=y',
      '1st': 'digit',
      IFS: ',',
      OPTIND: 'abc',
      LC_ALL: 'xx_YY.UTF-8',
      UID: '5',
      PPID: '6',
    };
    expect(throughShell(env)).toEqual(env);
  });

  test('has nothing that the shell adds by itself', () => {
    expect(throughShell({})).toEqual({});
  });

  test('has a PATH and a HOME even if nobody gives it any', () => {
    expect(withDefaults({ A: 'b' })).toEqual({
      A: 'b',
      HOME: '/root',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
    expect(withDefaults({ HOME: '/x', PATH: '/y' })).toEqual({ HOME: '/x', PATH: '/y' });
  });

  test('never has a value among the arguments of a process whose name could be that of a secret', () => {
    const { exported, envArguments } = shellEnvironment({ NPM_TOKEN: 'hidden', BASH_TOKEN: 'hidden', LC_pw: 'hidden' });
    expect(exported).toHaveLength(3);
    expect(envArguments.join(' ')).not.toContain('hidden');
  });
});
