import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { once } from 'node:events';
import { livenessOf, ownIdentity } from '../../lib/core';

describe('livenessOf', () => {
  test('this process is alive', () => {
    expect(livenessOf(ownIdentity())).toBe('alive');
  });

  test('a process that ended is dead', async () => {
    const child = spawn('true');
    await once(child, 'close');
    expect(livenessOf({ ...ownIdentity(), pid: child.pid ?? 0 })).toBe('dead');
  });

  test('one that has the pid but started at another time is not the one', () => {
    expect(livenessOf({ ...ownIdentity(), started: '1' })).toBe('dead');
  });

  test('where nobody knew when it started, the pid has to do', () => {
    expect(livenessOf({ ...ownIdentity(), started: '0' })).toBe('alive');
  });

  test.each([0, -1, 1.5, Number.NaN])('%p is the pid of no process', (pid) => {
    expect(livenessOf({ ...ownIdentity(), pid })).toBe('dead');
  });

  test('one of another machine or container cannot be judged', () => {
    expect(livenessOf({ ...ownIdentity(), machine: '00000000' })).toBe('elsewhere');
  });

  test('a zombie is dead', async () => {
    // sh starts a process and becomes one that never asks how it ended.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(chunk.toString());
      const stat = (): string => fs.readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
      while (!stat().includes(') Z ')) await new Promise((resolve) => setTimeout(resolve, 5));
      const boot = parseInt(fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8), 16);
      const ticks = stat().split(') ')[1]?.split(' ')[19] ?? '';
      expect(livenessOf({ ...ownIdentity(), pid, started: `${String(boot)}${ticks}` })).toBe('dead');
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
