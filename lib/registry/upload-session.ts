import { formatRepository } from '../oci';
import type { Access } from './access';
import { sliceOf, type BlobSource } from './blob-source';
import { algorithmOf } from './digests';
import { RequestFailure } from './failure';
import { resolveLocation, type Call } from './host';
import { readStart, type Body, type HttpResponse } from './http';
import type { LaneKind } from './lane';
import { printableText } from './printable';
import { scopeOf } from './scopes';

/** Blobs of this size and more stand in the lane for large ones. */
const LARGE = 16 * 1024 * 1024;
const OCTETS = { 'content-type': 'application/octet-stream' };

/** An upload that a registry has begun: where its bytes go, and how many it has. */
export class UploadSession {
  /**
   * Begins one (distribution-spec, *POST then PUT*).
   * @throws StackError of any request
   */
  public static async begin(access: Access, source: BlobSource): Promise<UploadSession> {
    const algorithm = algorithmOf(source.digest);
    const query = algorithm === 'sha256' ? '' : `?digest-algorithm=${algorithm}`;
    const call = {
      ...beginCall(access, source),
      target: `${access.repository.name}/blobs/uploads/${query}`,
      expected: [202],
    };
    return access.host.send(call, (response) => UploadSession.opened(access, source, response));
  }

  /**
   * Asks the registry to take the blob from another of its repositories (distribution-spec, *Mounting a blob from another repository*).
   * @returns undefined when it did; else the session to upload it with
   * @throws StackError of any request
   */
  public static async mount(access: Access, source: BlobSource, from: string): Promise<UploadSession | undefined> {
    const query = new URLSearchParams({ mount: source.digest, from });
    const begin = beginCall(access, source);
    const call = {
      ...begin,
      target: `${access.repository.name}/blobs/uploads/?${query.toString()}`,
      scopes: [...begin.scopes, scopeOf(from, 'pull')],
      expected: [201, 202],
    };
    try {
      return await access.host.send(call, async (response) => {
        if (response.status === 202) return UploadSession.opened(access, source, response);
        await readStart(response, 0);
        return undefined;
      });
    } catch (error) {
      // Some refuse what they cannot mount instead of opening an upload (go-containerregistry #1404, #1679).
      const status = error instanceof RequestFailure ? (error.status ?? 0) : 0;
      if (status < 400 || status >= 500 || status === 429) throw error;
      return UploadSession.begin(access, source);
    }
  }

  private static async opened(access: Access, source: BlobSource, response: HttpResponse): Promise<UploadSession> {
    await readStart(response, 0);
    const minChunk = Number(response.header('oci-chunk-min-length') ?? 0);
    return new UploadSession(
      access,
      source,
      locationOf(access, response),
      Number.isSafeInteger(minChunk) ? minChunk : 0,
    );
  }

  private constructor(
    private readonly access: Access,
    private readonly source: BlobSource,
    private location: URL,
    /** Fewest bytes of a chunk, but for the last. */
    public readonly minChunk: number,
  ) {}

  /**
   * Sends everything from an offset on and ends the upload.
   * @throws StackError of any request, without trying again
   */
  public async finish(offset: number): Promise<void> {
    const { source } = this;
    const target = new URL(this.location);
    target.searchParams.append('digest', source.digest);
    const call = {
      ...this.call('PUT', target),
      expected: [201, 204],
      headers: { ...OCTETS, ...(offset > 0 && offset < source.size ? rangeOf(offset, source.size) : {}) },
      body: this.body(offset, source.size),
    };
    await this.access.host.send(call, async (response) => {
      await readStart(response, 0);
      const digest = response.header('docker-content-digest');
      if (digest === undefined || digest === source.digest || algorithmOf(digest) !== algorithmOf(source.digest))
        return;
      throw new RequestFailure(
        'STACK6109',
        `${formatRepository(this.access.repository)} took ${printableText(digest)} for ${source.digest}`,
      );
    });
  }

  /**
   * Sends a chunk (distribution-spec, *Pushing a blob in chunks*).
   * @returns the offset the registry wants to go on at
   * @throws StackError of any request, without trying again
   */
  public async append(start: number, end: number): Promise<number> {
    const call = {
      ...this.call('PATCH', this.location),
      expected: [202, 204],
      headers: { ...OCTETS, ...rangeOf(start, end) },
      body: this.body(start, end),
    };
    return this.access.host.send(call, (response) => this.moved(response, end));
  }

  /**
   * Asks how much has arrived.
   * @returns the offset to go on at
   * @throws StackError of any request
   */
  public async offset(): Promise<number> {
    const call = { ...this.call('GET', this.location), expected: [204, 202, 200] };
    return this.access.host.send(call, (response) => this.moved(response, 0));
  }

  /** Gives the session up. That this fails changes nothing: registries remove old sessions themselves. */
  public async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(5000); // also after an abort
    const call = { ...this.call('DELETE', this.location), expected: [204, 202, 200], signal };
    await this.access.host.send(call, (response) => readStart(response, 0)).catch(() => undefined);
  }

  /** Follows the location an answer gives, and reads the range it says it has. */
  private async moved(response: HttpResponse, otherwise: number): Promise<number> {
    await readStart(response, 0);
    if (response.header('location') !== undefined) this.location = locationOf(this.access, response);
    const range = /^(?:bytes[ =])?0-(\d+)$/.exec(response.header('range') ?? '');
    if (range === null) return otherwise;
    // Registries write 0-0 both for one byte and for none; which it is shows only when just one was sent.
    if (range[1] === '0') return otherwise === 1 ? 1 : 0;
    return Math.min(Number(range[1]) + 1, this.source.size);
  }

  private body(start: number, end: number): Body {
    const { source, access } = this;
    if (start === end) return Buffer.alloc(0);
    const { digest, size } = source;
    const repository = formatRepository(access.repository);
    const onBytes = (bytes: number): void => {
      access.listener({ code: 'blob-progress', direction: 'push', repository, digest, size, bytes });
    };
    return { length: end - start, open: () => sliceOf(source, start, end, onBytes) };
  }

  private call(method: Call['method'], target: URL): Omit<Call, 'expected'> {
    const { what, repository, scopes, signal } = beginCall(this.access, this.source);
    return { what, method, target, repository, scopes, signal, lane: laneOf(this.source) };
  }
}

function beginCall({ repository, signal }: Access, { digest }: BlobSource) {
  return {
    what: `upload the blob ${digest} to ${formatRepository(repository)}`,
    method: 'POST' as const,
    repository,
    scopes: [scopeOf(repository.name, 'pull', 'push')],
    body: Buffer.alloc(0), // with a Content-Length of 0, which the specification wants
    signal,
  };
}

function rangeOf(start: number, end: number): Readonly<Record<string, string>> {
  return { 'content-range': `${String(start)}-${String(end - 1)}` };
}

function laneOf({ size }: BlobSource): LaneKind {
  return size >= LARGE ? 'large' : 'small';
}

function locationOf({ host }: Access, response: HttpResponse): URL {
  const location = response.header('location');
  if (location !== undefined) return resolveLocation(location, response.url, host.base);
  throw new RequestFailure('STACK6110', `${response.url.host} began an upload but did not say where it goes`);
}
