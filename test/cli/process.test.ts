import { spawn, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import type * as cli from '../../lib/cli';
import { directoryWith } from './temporary';

const ROOT = path.join(__dirname, '..', '..');
const directory = directoryWith({ 'cdk-stack.json': { app: 'echo ready; sleep 1000' } });

/** The command in a process of its own, straight from the sources. */
function stack(...argv: string[]): ChildProcess {
  const code = `require(${JSON.stringify(path.join(ROOT, 'lib/cli'))}).main(${JSON.stringify(argv)})`;
  const register = path.join(ROOT, 'node_modules/ts-node/register');
  const env = { ...process.env, TS_NODE_PROJECT: path.join(ROOT, 'tsconfig.json'), NO_COLOR: '1' };
  return spawn(process.execPath, ['-r', register, '-e', code], { cwd: directory, env });
}

function ended(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) =>
    child.once('close', (status) => {
      resolve({ status, stdout, stderr });
    }),
  );
}

describe('the process', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'ends with the status of %s after it has ended the app',
    async (signal, status) => {
      const child = stack('ls', '--json');
      const end = ended(child);
      child.stderr?.on('data', (chunk: Buffer) => {
        if (/^ready/m.test(chunk.toString())) child.kill(signal);
      });
      const { stdout, stderr, ...rest } = await end;
      expect({ ...rest, stderr }).toEqual({
        status,
        stderr: expect.stringMatching(/error STACK1008: cancelled\n$/) as string,
      });
      expect(JSON.parse(stdout)).toEqual({ error: { code: 'STACK1008', message: 'cancelled' } });
    },
    30_000,
  );

  test('is quiet when the reader of its output has gone, and does not call that success', async () => {
    const child = stack('--help');
    child.stdout?.destroy();
    expect(await ended(child)).toMatchObject({ status: 141, stderr: '' });
  }, 30_000);

  test('gives the version without loading anything else', () => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      jest.isolateModules(() => {
        jest.doMock('../../lib/cli/process', () => {
          throw new Error('loaded');
        });
        jest.requireActual<typeof cli>('../../lib/cli').main(['--version']);
      });
      expect(write.mock.calls).toEqual([[expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/)]]);
    } finally {
      write.mockRestore();
    }
  });
});
