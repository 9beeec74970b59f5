import { digestLike } from '../digests';
import { digestOf } from '../../oci';

/** A manifest as it was put. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly content: Buffer;
}

/** One repository: what is in it is not in others. */
export class FakeRepository {
  public readonly blobs = new Map<string, Buffer>();
  public readonly manifests = new Map<string, StoredManifest>();
  public readonly tags = new Map<string, string>();

  /** A manifest by digest or tag. */
  public manifest(reference: string): StoredManifest | undefined {
    return this.manifests.get(this.tags.get(reference) ?? reference);
  }

  /** Puts a blob there, and gives its digest. */
  public addBlob(content: Buffer): string {
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return digest;
  }

  /** Puts a manifest there without looking what is in it, and gives its digest. */
  public addManifest(mediaType: string, content: Buffer, ...tags: readonly string[]): string {
    const digest = digestOf(content);
    this.manifests.set(digest, { mediaType, content });
    for (const tag of tags) this.tags.set(tag, digest);
    return digest;
  }
}

/** An upload under way. */
export interface FakeUpload {
  readonly repository: string;
  readonly pieces: Buffer[];
  size: number;
}

/** Everything a fake registry has. */
export class FakeStorage {
  public readonly uploads = new Map<string, FakeUpload>();
  private readonly repositories = new Map<string, FakeRepository>();
  private count = 0;

  /** A repository by its name, without the host; made if need be. */
  public repository(name: string): FakeRepository {
    const repository = this.repositories.get(name) ?? new FakeRepository();
    this.repositories.set(name, repository);
    return repository;
  }

  /** Begins an upload, and gives its id. */
  public begin(repository: string): string {
    this.count += 1;
    const id = `upload-${String(this.count)}`;
    this.uploads.set(id, { repository, pieces: [], size: 0 });
    return id;
  }

  /** Makes an upload a blob, if its digest is right. */
  public finish(id: string, digest: string): boolean {
    const upload = this.uploads.get(id);
    const content = Buffer.concat(upload?.pieces ?? []);
    this.uploads.delete(id);
    if (upload === undefined || digestLike(digest, content) !== digest) return false;
    this.repository(upload.repository).blobs.set(digest, content);
    return true;
  }
}
