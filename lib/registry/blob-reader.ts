import { formatRepository } from '../oci';
import type { Access } from './access';
import { ContentCheck, type Expected } from './digests';
import { connectionFailure, RequestFailure } from './failure';
import { readStart, type HttpResponse } from './http';
import { delayAfter, isTransient, sleep } from './retry';
import { scopeOf, type Action } from './scopes';

/** Bytes that count as progress: after them a broken connection is mended as often as before. */
const PROGRESS = 1024 * 1024;

/**
 * Asks whether a repository has a blob. A refusal counts as no: that of an upload says why.
 * @param actions the rights to ask with; by default those of an upload, which would come next
 * @throws StackError of any request
 */
export async function hasBlob(
  access: Access,
  digest: string,
  actions: readonly Action[] = ['pull', 'push'],
): Promise<boolean> {
  const call = {
    ...callFor(access, digest, `look for the blob ${digest}`),
    method: 'HEAD' as const,
    scopes: [scopeOf(access.repository.name, ...actions)],
    expected: [200, 403, 404],
  };
  return access.host.send(call, async (response) => {
    await readStart(response, 0);
    return response.status === 200;
  });
}

/**
 * Streams a blob, and goes on where it was when the connection breaks. Fails at its end unless digest and size are what
 * they should be, and as soon as it is too long: nothing read before may be used until the end has come.
 * @throws StackError STACK6109, STACK6107 and those of any request; the signal's reason when aborted
 */
export async function* readBlob(access: Access, blob: Expected): AsyncGenerator<Buffer> {
  const repository = formatRepository(access.repository);
  const { policy } = access.host;
  const check = new ContentCheck(blob, repository);
  let attempt = 0;
  for (let progress = 0; ;) {
    try {
      for await (const piece of piecesFrom(access, blob, check.bytes)) {
        check.update(piece);
        yield piece;
        const { digest, size } = blob;
        access.listener({ code: 'blob-progress', direction: 'pull', repository, digest, size, bytes: check.bytes });
      }
      if (check.bytes < blob.size) throw brokenOff(access, blob, check.bytes);
      check.end();
      return;
    } catch (error) {
      if (check.bytes - progress >= PROGRESS) attempt = 0;
      progress = check.bytes;
      if (!isTransient(error) || attempt + 1 >= policy.attempts) throw error;
      await sleep(delayAfter(policy, attempt, error), access.signal);
      attempt += 1;
    }
  }
}

/** An answer that ended too early without saying so, as those without a length can. */
function brokenOff({ repository }: Access, { digest, size }: Expected, bytes: number): RequestFailure {
  const text = `${formatRepository(repository)}: ${digest} ended after ${String(bytes)} of ${String(size)} bytes`;
  return new RequestFailure('STACK6109', text, {
    isTransient: true,
    hint: 'the blob is cut short in the registry or on the way',
  });
}

async function* piecesFrom(access: Access, blob: Expected, offset: number): AsyncGenerator<Buffer> {
  const call = {
    ...callFor(access, blob.digest, `read the blob ${blob.digest} of ${formatRepository(access.repository)}`),
    method: 'GET' as const,
    expected: offset === 0 ? [200] : [200, 206],
    headers: { 'accept-encoding': 'identity', ...(offset === 0 ? {} : { range: `bytes=${String(offset)}-` }) },
  };
  const response = await access.host.send(call, (answer) => Promise.resolve(answer));
  let skip = response.status === 206 ? 0 : offset; // it may send all of it again
  try {
    checkLength(response, blob, offset);
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      const rest = piece.subarray(skip);
      skip -= piece.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  } catch (error) {
    access.signal?.throwIfAborted();
    throw connectionFailure(response.url.host, error);
  } finally {
    response.body.destroy();
  }
}

function checkLength(response: HttpResponse, { digest, size }: Expected, offset: number): void {
  const range = response.header('content-range');
  if (response.status === 206 && range?.startsWith(`bytes ${String(offset)}-`) !== true) {
    throw new RequestFailure('STACK6110', `${response.url.host} sent another range of ${digest} than it was asked for`);
  }
  const length = response.header('content-length');
  const expected = response.status === 206 ? size - offset : size;
  if (length !== undefined && Number(length) !== expected) {
    throw new RequestFailure(
      'STACK6109',
      `${response.url.host} has ${digest} with ${length} bytes instead of ${String(expected)}`,
    );
  }
}

function callFor({ repository, signal }: Access, digest: string, what: string) {
  return {
    what,
    target: `${repository.name}/blobs/${digest}`,
    repository,
    scopes: [scopeOf(repository.name, 'pull')],
    signal,
  };
}
