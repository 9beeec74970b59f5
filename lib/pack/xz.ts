import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import { errnoOf, StackError } from '../core';

/** Memory that decompressing may take. `xz -9` needs 65 MiB. */
const MEMORY_LIMIT = '512MiB';

/**
 * Decompresses xz through the `xz` command, which every Debian has; no maintained streaming decoder is on npm.
 * @throws StackError STACK3013 when it is not installed; an Error with what it said for corrupt content
 */
export async function* decodeXz(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const options = ['--decompress', '--stdout', '--quiet', `--memlimit-decompress=${MEMORY_LIMIT}`];
  // Options of the user's own, such as another memory limit, are left out.
  const env = { ...process.env, XZ_DEFAULTS: undefined, XZ_OPT: undefined };
  const child = spawn('xz', options, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.subarray(0, 1000)));
  const exit = once(child, 'close') as Promise<[number | null]>;
  exit.catch(() => undefined); // awaited below
  // Where the source fails, the caller knows; where xz ends early, its exit status says so.
  pipeline(source, child.stdin, () => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await exit;
    if (code === 0) return;
    const said = Buffer.concat(errors).toString('utf8').trim().slice(0, 300);
    throw new Error(said === '' ? `xz exited with ${String(code)}` : said);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new StackError('STACK3013', 'xz is needed to read this archive and is not installed', {
      hint: 'install xz-utils',
      cause: error,
    });
  } finally {
    child.kill('SIGKILL');
  }
}
