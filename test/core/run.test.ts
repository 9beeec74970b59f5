import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { text } from 'node:stream/consumers';
import { redactCredentials, run, runStream, StackError } from '../../lib/core';

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'run-'));
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const shell = (script: string, options: Parameters<typeof run>[2] = {}): ReturnType<typeof run> =>
  run('sh', ['-c', script], options);

async function failure(work: Promise<unknown>): Promise<StackError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StackError.is(error)) throw new Error(`no StackError but ${String(error)}`);
  return error;
}

/** Waits until the process that wrote its id to a file is gone; fails after five seconds. */
async function isGone(pidFile: string): Promise<boolean> {
  const pid = Number(fs.readFileSync(pidFile, 'utf8'));
  for (let attempt = 0; attempt < 100; attempt += 1) {
    // A zombie of a container without an init is as dead as it gets.
    const state = fs.existsSync(`/proc/${String(pid)}/stat`)
      ? fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      : ') Z';
    if (state.includes(') Z')) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function appears(file: string): Promise<void> {
  while (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') === '')
    await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('run', () => {
  test('gives output, errors and status of a tool', async () => {
    expect(await shell('echo out; echo err >&2; exit 3')).toEqual({ status: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('passes arguments as they are, without a shell', async () => {
    expect((await run('printf', ['%s|', '$HOME', 'a b', '"; true'])).stdout).toBe('$HOME|a b|"; true|');
  });

  test('gives the tool the environment and directory asked for, and nothing to read', async () => {
    const result = await shell('pwd; echo "$COLOR-$HOME"; cat', {
      cwd: directory,
      env: { PATH: process.env['PATH'], COLOR: 'red' },
    });
    expect(result.stdout).toBe(`${fs.realpathSync(directory)}\nred-\n`);
  });

  test('counts a tool ended by a signal as shells do', async () => {
    expect((await shell('kill -9 $$')).status).toBe(137);
  });

  test('names a tool that is not installed', async () => {
    const error = await failure(run('no-such-tool', [], { missingHint: 'install the package no-such' }));
    expect(error).toMatchObject({
      code: 'STACK3013',
      message: 'no-such-tool is not installed',
      hint: 'install the package no-such',
    });
  });

  test('does not blame the tool for a missing working directory', async () => {
    const error = await failure(shell('true', { cwd: path.join(directory, 'gone') }));
    expect(error.code).toBe('STACK3003');
    expect(error.message).toContain('no such directory');
  });

  test('stops a tool that writes more than it may', async () => {
    const error = await failure(shell('yes', { maxOutput: 1000 }));
    expect(error).toMatchObject({ code: 'STACK3003', message: 'sh wrote more than 1000 bytes' });
  });

  test('keeps the end of long errors', async () => {
    const { stderr } = await shell('seq 1 100000 >&2; echo last >&2');
    expect(stderr.length).toBe(64 * 1024);
    expect(stderr.endsWith('100000\nlast\n')).toBe(true);
  });

  test('hides credentials of URLs in errors', async () => {
    expect((await shell('echo "cannot get http://me:secret@host/x" >&2')).stderr).toBe(
      'cannot get http://***@host/x\n',
    );
  });

  test('ends a tool and its children when aborted', async () => {
    const controller = new AbortController();
    const pidFile = path.join(directory, 'pid');
    const running = shell('sleep 60 & echo $! > pid; wait', { cwd: directory, signal: controller.signal });
    await appears(pidFile);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(await isGone(pidFile)).toBe(true);
  });

  test('kills a tool that does not listen', async () => {
    const controller = new AbortController();
    const pidFile = path.join(directory, 'pid');
    const running = shell("trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", {
      cwd: directory,
      signal: controller.signal,
    });
    await appears(pidFile);
    controller.abort();
    await expect(running).rejects.toThrow();
    expect(await isGone(pidFile)).toBe(true);
  }, 10_000);

  test('starts nothing once aborted', async () => {
    await expect(shell('touch started', { cwd: directory, signal: AbortSignal.abort() })).rejects.toThrow();
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});

describe('input', () => {
  test('is what standard input gives, and otherwise it is closed', async () => {
    expect((await shell('cat', { input: 'ghcr.io' })).stdout).toBe('ghcr.io');
    expect((await shell('cat')).stdout).toBe('');
  });

  test('that nobody reads is no failure', async () => {
    expect((await shell('exit 3', { input: 'x'.repeat(1024 * 1024) })).status).toBe(3);
  });
});

describe('runStream', () => {
  const failureOf = ({ status, stderr }: { status: number; stderr: string }): Error =>
    new Error(`status ${String(status)}: ${stderr}`);

  test('streams the output of a tool', async () => {
    expect(await text(runStream('seq', ['1', '3'], { failure: failureOf }))).toBe('1\n2\n3\n');
  });

  test('fails after the output when the tool fails, so that what is cut short never looks complete', async () => {
    const stream = runStream('sh', ['-c', 'echo half; echo broken >&2; exit 2'], { failure: failureOf });
    await expect(text(stream)).rejects.toThrow('status 2: broken');
  });

  test('fails for a tool that is not installed', async () => {
    expect((await failure(text(runStream('no-such-tool', [], { failure: failureOf })))).code).toBe('STACK3013');
  });

  test('ends the tool when its reader gives up', async () => {
    const stream = runStream('sh', ['-c', 'echo $$ > pid; exec yes'], { cwd: directory, failure: failureOf });
    for await (const chunk of stream) {
      expect(String(chunk).startsWith('y\n')).toBe(true);
      break;
    }
    expect(await isGone(path.join(directory, 'pid'))).toBe(true);
  });
});

describe('redactCredentials', () => {
  test.each([
    ['https://user:pa@ss@host/a@b', 'https://***@host/a@b'],
    ["'http://token@host' and ftp://a:b@c/", "'http://***@host' and ftp://***@c/"],
    ['https://host/path mail me@host', 'https://host/path mail me@host'],
  ])('of %s gives %s', (given, expected) => {
    expect(redactCredentials(given)).toBe(expected);
  });
});
