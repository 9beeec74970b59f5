import { spawnSync } from 'node:child_process';
import { commandOf } from '../../../lib/build/sandbox/contents';
import { launchBy, type Driver } from '../../../lib/build/sandbox/drivers';
import { bootScript, setupScript, type Setup } from '../../../lib/build/sandbox/setup-script';

const DRIVERS: readonly Driver[] = ['unshare', 'crun', 'runc'];
const WORK = "/it's a/work";

function setup(driver: Driver, more: Partial<Setup> = {}): Setup {
  const { files, enter, launch } = launchBy(driver, { command: ['/stack/script'], env: { TOKEN: 'hidden' } }, WORK);
  return {
    files,
    enter,
    launch,
    work: WORK,
    overlay: { plain: 'lowerdir=0', withPoints: 'lowerdir=p:0' },
    devices: [{ name: 'null', kind: 'file', line: '/dev/null /w/dev/null none bind 0 0' }],
    mounts: [{ target: "/it's", kind: 'file', source: '/x', type: 'none', options: 'bind' }],
    network: 'none',
    interpreter: '/bin/sh',
    ...more,
  };
}

describe.each(DRIVERS)('the scripts that set up a sandbox for %s', (driver) => {
  test('are shell scripts, whatever is in paths and contents', () => {
    const files = [
      { name: 'a', content: `'"$(id)\n` },
      { name: 'b', content: Buffer.from([0, 255]), mode: 'secret' as const },
    ];
    for (const script of [setupScript(setup(driver, { files })), bootScript(WORK, true), bootScript(WORK, false)]) {
      const { status, stderr } = spawnSync('/bin/sh', ['-n', '-c', script], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
  });

  test('have nothing secret in the one that everybody can read, as the argument of a process', () => {
    const files = [{ name: 'secret-0', content: 'hidden', mode: 'secret' as const }];
    expect(setupScript(setup(driver, { files }))).toContain('hidden');
    expect(bootScript(WORK, driver === 'unshare')).not.toContain('hidden');
  });

  test('bring up the loopback only in a network of its own', () => {
    expect(setupScript(setup(driver))).toContain('ip link set lo up');
    expect(setupScript(setup(driver, { network: 'host' }))).not.toContain('ip link');
  });
});

describe('a script', () => {
  test('is run by a shell that stops at the first failure', () => {
    expect(commandOf('echo #!/bin/cat')).toEqual({
      command: ['/bin/sh', '-xe', '/stack/script'],
      interpreter: '/bin/sh',
    });
  });

  test.each([
    ['#!/bin/bash -e\ntrue', '/bin/bash'],
    ['#! /usr/bin/env python3', '/usr/bin/env'],
    ['#!/bin/sh', '/bin/sh'],
  ])('with a line of its own, %j, is run by that', (script, interpreter) => {
    expect(commandOf(script)).toEqual({ command: ['/stack/script'], interpreter });
  });
});
