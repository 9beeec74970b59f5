import { digestLike } from '../digests';
import { digestOf, isDescriptor, MAX_DOCUMENT, MEDIA_TYPE, type Descriptor } from '../../oci';
import type { FakeBehavior } from './behavior';
import { spoiled } from './blobs';
import { refusal, type Answer, type Exchange } from './exchange';
import type { FakeRepository, FakeStorage } from './storage';

type Members = Readonly<Record<string, unknown>>;

/** Manifests, tags and referrers (distribution-spec, *Pulling manifests*, *Pushing Manifests*, *Listing Tags*, *Listing Referrers*). */
export class ManifestHandler {
  public constructor(
    private readonly storage: FakeStorage,
    private readonly behavior: FakeBehavior,
    private readonly origin: () => string,
  ) {}

  public async manifest(exchange: Exchange, name: string, reference: string): Promise<Answer> {
    const repository = this.storage.repository(name);
    switch (exchange.logged.method) {
      case 'GET':
      case 'HEAD':
        return this.get(repository, reference);
      case 'PUT':
        return this.put(exchange, name, reference, await exchange.body());
      case 'DELETE':
        return remove(repository, reference);
      default:
        return refusal(405, 'UNSUPPORTED');
    }
  }

  public tags(exchange: Exchange, name: string): Answer {
    const last = exchange.url.searchParams.get('last') ?? '';
    const all = [...this.storage.repository(name).tags.keys()].sort().filter((tag) => tag > last);
    const page = all.slice(0, this.behavior.pageSize);
    const next = `/v2/${name}/tags/list?n=${String(this.behavior.pageSize)}&last=${page.at(-1) ?? ''}`;
    const headers: Record<string, string> = all.length > page.length ? { link: `<${next}>; rel="next"` } : {};
    return { status: 200, headers, body: Buffer.from(JSON.stringify({ name, tags: page })) };
  }

  public referrers(name: string, subject: string): Answer {
    if (!this.behavior.referrers) return refusal(404, 'UNSUPPORTED');
    const manifests = [...this.storage.repository(name).manifests].flatMap(([digest, { mediaType, content }]) => {
      const members = parse(content);
      if (!isDescriptor(members['subject']) || members['subject'].digest !== subject) return [];
      const { artifactType, annotations, config } = members;
      const type = artifactType ?? (isDescriptor(config) ? config.mediaType : undefined);
      return [{ mediaType, digest, size: content.length, artifactType: type, annotations }];
    });
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests }));
    return { status: 200, headers: { 'content-type': MEDIA_TYPE.index }, body };
  }

  private get(repository: FakeRepository, reference: string): Answer {
    const stored = repository.manifest(reference);
    if (stored === undefined) return refusal(404, 'MANIFEST_UNKNOWN');
    const digest = repository.tags.get(reference) ?? reference;
    const headers = {
      'content-type': stored.mediaType,
      ...(this.behavior.digestHeaders ? { 'docker-content-digest': digest } : {}),
      ...(this.behavior.etags ? { etag: `"${digest}"` } : {}),
    };
    return { status: 200, headers, body: this.behavior.corrupt.has(digest) ? spoiled(stored.content) : stored.content };
  }

  private put(exchange: Exchange, name: string, reference: string, content: Buffer): Answer {
    const repository = this.storage.repository(name);
    if (content.length > MAX_DOCUMENT) return refusal(413, 'SIZE_INVALID');
    const isDigest = reference.includes(':');
    const digest = isDigest ? digestLike(reference, content) : digestOf(content);
    if (isDigest && digest !== reference) return refusal(400, 'DIGEST_INVALID');
    const members = parse(content);
    if (!hasParts(repository, members)) return refusal(404, 'MANIFEST_BLOB_UNKNOWN');
    const current = repository.tags.get(reference);
    const refused = this.conflict(exchange, current, digest);
    if (refused !== undefined) return refused;
    repository.manifests.set(digest, { mediaType: exchange.header('content-type') ?? '', content });
    if (!isDigest) repository.tags.set(reference, digest);
    const subject = isDescriptor(members['subject']) ? members['subject'].digest : undefined;
    const headers = {
      location: `${this.behavior.relativeLocations ? '' : this.origin()}/v2/${name}/manifests/${digest}`,
      ...(this.behavior.digestHeaders ? { 'docker-content-digest': digest } : {}),
      ...(subject !== undefined && this.behavior.referrers ? { 'oci-subject': subject } : {}),
    };
    return { status: 201, headers };
  }

  private conflict(exchange: Exchange, current: string | undefined, digest: string): Answer | undefined {
    if (this.behavior.immutableTags && current !== undefined) return refusal(409, 'TAG_IMMUTABLE');
    if (!this.behavior.etags) return undefined;
    const match = exchange.header('if-match');
    const isStale = match !== undefined && match !== `"${current ?? ''}"`;
    const isTaken = exchange.header('if-none-match') === '*' && current !== undefined;
    return (isStale || isTaken) && current !== digest ? refusal(412, 'PRECONDITION_FAILED') : undefined;
  }
}

function remove(repository: FakeRepository, reference: string): Answer {
  if (repository.tags.delete(reference)) return { status: 202 };
  if (!repository.manifests.delete(reference)) return refusal(404, 'MANIFEST_UNKNOWN');
  for (const [tag, digest] of repository.tags) if (digest === reference) repository.tags.delete(tag);
  return { status: 202 };
}

function hasParts(repository: FakeRepository, { config, layers, manifests }: Members): boolean {
  const blobs = descriptorsIn([config, layers]);
  const children = descriptorsIn([manifests]);
  return (
    blobs.every(({ digest, mediaType }) => isNondistributable(mediaType) || repository.blobs.has(digest)) &&
    children.every(({ digest }) => repository.manifests.has(digest))
  );
}

/** Layers of these types are downloaded from where their descriptors say, and need not be in a registry (image-spec, layer.md). */
function isNondistributable(mediaType: string): boolean {
  return /\.nondistributable\.|\.foreign\./.test(mediaType);
}

function descriptorsIn(members: readonly unknown[]): readonly Descriptor[] {
  return members.flatMap((member) => member).filter(isDescriptor);
}

function parse(content: Buffer): Members {
  try {
    return (JSON.parse(content.toString('utf8')) ?? {}) as Members;
  } catch {
    return {};
  }
}
