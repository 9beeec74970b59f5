import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity, withLock } from '../../lib/core';
import { Child, compileLibrary } from '../compiled';
import { failureOf } from '../failure';

const what = 'the thing';
let directory: string;
let library: string;
let file: string;

beforeAll(() => {
  library = fs.mkdtempSync(path.join(os.tmpdir(), 'library-'));
  compileLibrary(library, ['core']);
});

afterAll(() => {
  fs.rmSync(library, { recursive: true, force: true });
});

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'));
  file = path.join(directory, 'lock');
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

/** A lock file as some owner leaves it. */
function lockedBy(owner: object): void {
  fs.writeFileSync(file, JSON.stringify({ ...ownIdentity(), host: 'there', token: 'x', ...owner }));
}

const DEAD = { pid: 2 ** 22 + 1 }; // above the largest pid Linux gives (proc(5), pid_max)
const ELSEWHERE = { machine: '00000000' };

describe('withLock', () => {
  test('gives the result of the work and leaves no file behind', async () => {
    expect(await withLock(file, { what }, async () => Promise.resolve(fs.readdirSync(directory)))).toEqual(['lock']);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('is released when the work fails', async () => {
    await expect(withLock(file, { what }, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
    expect(fs.existsSync(file)).toBe(false);
  });

  test('runs work in one process one after the other', async () => {
    let inside = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      await sleep(5);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, { what }, work)));
  });

  test('takes over the lock of a dead process at once', async () => {
    lockedBy(DEAD);
    expect(await withLock(file, { what, patience: 0 }, () => Promise.resolve('mine'))).toBe('mine');
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('takes over the lock of a process whose pid another one has now', async () => {
    lockedBy({ started: '1' });
    expect(await withLock(file, { what, patience: 0 }, () => Promise.resolve('mine'))).toBe('mine');
  });

  test('says who holds it when patience ends, and what to do', async () => {
    lockedBy({});
    const error = await failureOf(withLock(file, { what, patience: 1 }, () => Promise.resolve()));
    expect(error).toMatchObject({
      code: 'STACK6006',
      message: `the thing is locked by process ${String(process.pid)} on there`,
      hint: expect.stringContaining(file) as string,
    });
    expect(fs.existsSync(file)).toBe(true);
  });

  test('waits for an owner on another machine as long as it shows signs of life', async () => {
    lockedBy(ELSEWHERE);
    const heartbeat = setInterval(() => {
      fs.utimesSync(file, new Date(), new Date());
    }, 10);
    try {
      const waiting = withLock(file, { what, patience: 400, staleAfter: 200 }, () => Promise.resolve());
      expect(await failureOf(waiting)).toMatchObject({ code: 'STACK6006' });
    } finally {
      clearInterval(heartbeat);
    }
  });

  test.each([
    ['an owner on another machine', () => lockedBy(ELSEWHERE)],
    ['an owner that was killed while writing the file', () => fs.writeFileSync(file, '')],
    ['what is no lock file', () => fs.writeFileSync(file, '[1]')],
  ])('takes over from %s that shows no sign of life', async (_, prepare) => {
    prepare();
    const before = performance.now();
    await withLock(file, { what, staleAfter: 100 }, () => Promise.resolve());
    expect(performance.now() - before).toBeGreaterThanOrEqual(100);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('stops waiting when aborted', async () => {
    lockedBy({});
    const signal = AbortSignal.timeout(20);
    await expect(withLock(file, { what, signal }, () => Promise.resolve())).rejects.toThrow(signal.reason as Error);
  });

  test('does not remove a lock that someone took away from it', async () => {
    await withLock(file, { what }, () => {
      lockedBy(ELSEWHERE);
      return Promise.resolve();
    });
    expect(fs.existsSync(file)).toBe(true);
  });

  test('leaves nothing behind where the lock cannot be made', async () => {
    const missing = path.join(directory, 'missing', 'lock');
    await expect(withLock(missing, { what }, () => Promise.resolve())).rejects.toThrow(/ENOENT/);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('is taken from a process that was killed, by one of many that want it at a time', async () => {
    const hold = `await lib('core').withLock(args[0], { what: 'x' }, () => {
      console.log('locked');
      return new Promise((resolve) => setTimeout(resolve, 60000));
    });`;
    const owner = new Child(library, hold, file);
    await owner.says('locked');
    const append = `
      const fs = require('node:fs');
      for (let turn = 0; turn < 20; turn += 1) {
        await lib('core').withLock(args[0], { what: 'x' }, async () => {
          const seen = fs.readFileSync(args[1], 'utf8');
          await new Promise((resolve) => setTimeout(resolve, 1));
          fs.writeFileSync(args[1], seen + '.');
        });
      }`;
    const counter = path.join(directory, 'counter');
    fs.writeFileSync(counter, '');
    const others = Array.from({ length: 4 }, () => new Child(library, append, file, counter));
    await sleep(100);
    owner.kill();
    expect(await Promise.all(others.map((other) => other.ended()))).toEqual([0, 0, 0, 0]);
    expect(fs.readFileSync(counter, 'utf8')).toHaveLength(80);
    expect(fs.readdirSync(directory)).toEqual(['counter']);
  }, 60_000);
});

test('a wait that takes a while is told once, with the process that is waited for', async () => {
  const waits: string[] = [];
  const held = withLock(file, { what }, () => sleep(1200));
  await sleep(20);
  await withLock(file, { what, onWait: (owner) => waits.push(owner) }, () => Promise.resolve());
  await held;
  expect(waits).toEqual([`process ${String(process.pid)} on ${os.hostname()}`]);
});
