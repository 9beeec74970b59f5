import { isSupportedDigest } from '../../oci';
import type { FakeBehavior } from './behavior';
import { Dropped, refusal, type Answer, type Exchange } from './exchange';
import type { FakeStorage, FakeUpload } from './storage';

/** Blobs and their uploads (distribution-spec, *Pulling blobs*, *Pushing blobs*). */
export class BlobHandler {
  /** @param elsewhere address of the other origin that has all blobs */
  public constructor(
    private readonly storage: FakeStorage,
    private readonly behavior: FakeBehavior,
    private readonly origin: () => string,
    private readonly elsewhere: () => string,
  ) {}

  public async blob(exchange: Exchange, name: string, digest: string): Promise<Answer> {
    await exchange.body();
    const { blobs } = this.storage.repository(name);
    const { method = '' } = exchange.request;
    if (method === 'DELETE') return blobs.delete(digest) ? { status: 202 } : refusal(404, 'BLOB_UNKNOWN');
    if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'UNSUPPORTED');
    const content = blobs.get(digest);
    if (content === undefined) return refusal(404, 'BLOB_UNKNOWN');
    if (this.behavior.redirects && method === 'GET') {
      return { status: 307, headers: { location: `${this.elsewhere()}/${name}/${digest}?signature=secret-signature` } };
    }
    return this.content(exchange, digest, content);
  }

  /** A blob as it is sent, or the part that was asked for. */
  public content(exchange: Exchange, digest: string, content: Buffer): Answer {
    const sent = this.behavior.corrupt.has(digest) ? spoiled(content) : content;
    const headers = {
      'content-type': 'application/octet-stream',
      ...(this.behavior.digestHeaders ? { 'docker-content-digest': digest } : {}),
    };
    const start = Number(/^bytes=(\d+)-$/.exec(exchange.header('range') ?? '')?.[1] ?? 0);
    if (start === 0 || !this.behavior.ranges) return { status: 200, headers, body: sent };
    if (start >= sent.length) return refusal(416, 'RANGE_INVALID');
    const range = `bytes ${String(start)}-${String(sent.length - 1)}/${String(sent.length)}`;
    return { status: 206, headers: { ...headers, 'content-range': range }, body: sent.subarray(start) };
  }

  public async begin(exchange: Exchange, name: string): Promise<Answer> {
    await exchange.body();
    const mount = exchange.url.searchParams.get('mount');
    const from = exchange.url.searchParams.get('from');
    const mounted = mount === null || from === null ? undefined : this.storage.repository(from).blobs.get(mount);
    if (mount !== null && mounted !== undefined && this.behavior.mounts) {
      this.storage.repository(name).blobs.set(mount, mounted);
      return { status: 201, headers: { location: this.location(`/v2/${name}/blobs/${mount}`) } };
    }
    return { status: 202, headers: this.progress(name, this.storage.begin(name)) };
  }

  public async upload(exchange: Exchange, name: string, id: string): Promise<Answer> {
    const upload = this.storage.uploads.get(id);
    if (upload?.repository !== name) {
      await exchange.body();
      return refusal(404, 'BLOB_UPLOAD_UNKNOWN');
    }
    switch (exchange.logged.method) {
      case 'GET':
        if (!this.behavior.resumes) return refusal(404, 'BLOB_UPLOAD_UNKNOWN');
        return { status: 204, headers: this.progress(name, id) };
      case 'DELETE':
        this.storage.uploads.delete(id);
        return { status: 204 };
      case 'PATCH':
        return this.patch(exchange, name, id, upload);
      case 'PUT':
        return this.put(exchange, name, id, upload);
      default:
        return refusal(405, 'UNSUPPORTED');
    }
  }

  private async patch(exchange: Exchange, name: string, id: string, upload: FakeUpload): Promise<Answer> {
    const misplaced = await this.misplaced(exchange, name, id, upload);
    if (misplaced !== undefined) return misplaced;
    const before = upload.size;
    const refused = await this.receive(exchange, id, upload);
    if (refused !== undefined) return refused;
    if (upload.size - before < this.behavior.minChunk) return refusal(400, 'SIZE_INVALID');
    return { status: 202, headers: this.progress(name, id) };
  }

  private async put(exchange: Exchange, name: string, id: string, upload: FakeUpload): Promise<Answer> {
    const digest = exchange.url.searchParams.get('digest') ?? '';
    const misplaced = await this.misplaced(exchange, name, id, upload);
    if (misplaced !== undefined) return misplaced;
    const refused = await this.receive(exchange, id, upload);
    if (refused !== undefined) return refused;
    if (!isSupportedDigest(digest) || !this.storage.finish(id, digest)) return refusal(400, 'DIGEST_INVALID');
    return {
      status: 201,
      headers: { location: this.location(`/v2/${name}/blobs/${digest}`), 'docker-content-digest': digest },
    };
  }

  /** The refusal of a chunk that does not begin where the one before has ended. */
  private async misplaced(
    exchange: Exchange,
    name: string,
    id: string,
    upload: FakeUpload,
  ): Promise<Answer | undefined> {
    const range = /^(\d+)-(\d+)$/.exec(exchange.header('content-range') ?? '');
    if (range === null || Number(range[1]) === upload.size) return undefined;
    await exchange.body();
    return refusal(416, 'RANGE_INVALID', this.progress(name, id));
  }

  /** Adds a body to an upload, also one that does not say its length; what came before a broken connection stays. */
  private async receive(exchange: Exchange, id: string, upload: FakeUpload): Promise<Answer | undefined> {
    if (Number(exchange.header('content-length') ?? 0) > this.behavior.maxBody) {
      // As proxies do, without waiting for the body.
      return { status: 413, headers: { connection: 'close' }, body: Buffer.from('<html>too large</html>') };
    }
    try {
      await exchange.read((piece) => {
        upload.pieces.push(piece);
        upload.size += piece.length;
      });
    } catch (error) {
      if (error instanceof Dropped && !this.behavior.resumes) this.storage.uploads.delete(id);
      throw error;
    }
    return undefined;
  }

  private progress(name: string, id: string): Readonly<Record<string, string>> {
    const size = this.storage.uploads.get(id)?.size ?? 0;
    const { minChunk } = this.behavior;
    return {
      location: this.location(`/v2/${name}/blobs/uploads/${id}?state=opaque%2Fvalue`),
      range: `0-${String(Math.max(0, size - 1))}`,
      ...(minChunk > 0 ? { 'oci-chunk-min-length': String(minChunk) } : {}),
    };
  }

  private location(path: string): string {
    return this.behavior.relativeLocations ? path : `${this.origin()}${path}`;
  }
}

/** Content with another first byte. */
export function spoiled(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  if (copy.length > 0) copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}
