import { canonicalJson } from '../core';
import { digestOf, isDigest } from '../oci';
import type { BlobStep } from '../registry';
import type { Store } from '../store';

const RECORD = 'published';
/** Blobs of one registry that are remembered; the ones published last stay. */
const MAX_BLOBS = 20_000;

/** Repositories by the digests of blobs. */
type Places = Map<string, string>;

/**
 * In which repositories blobs were published before, by registry. Only hints: a registry that has lost a blob refuses to mount
 * it, and it is uploaded.
 */
export class PublishedPlaces {
  /** What the store knows of some registries. @throws StackError STACK7001 */
  public static async load(store: Store, hosts: Iterable<string>): Promise<PublishedPlaces> {
    const places = new Map<string, Places>();
    for (const host of new Set(hosts)) places.set(host, placesIn(await store.readRecord(RECORD, keyOf(host)), host));
    return new PublishedPlaces(store, places);
  }

  private constructor(
    private readonly store: Store,
    private readonly places: ReadonlyMap<string, Places>,
  ) {}

  /** The repository of a registry, as `HOST/NAME`, where a blob was published last. */
  public of(host: string, digest: string): string | undefined {
    return this.places.get(host)?.get(digest);
  }

  /** Remembers where blobs were brought. @throws StackError STACK7001, STACK7002 */
  public async note(steps: readonly BlobStep[]): Promise<void> {
    const changed = new Set<string>();
    for (const { digest, repository } of steps.flatMap((step) => [step, ...step.then])) {
      const host = repository.slice(0, repository.indexOf('/'));
      this.places.get(host)?.set(digest, repository);
      changed.add(host);
    }
    for (const host of changed) {
      const kept = [...(this.places.get(host) ?? [])].slice(-MAX_BLOBS);
      await this.store.writeRecord(RECORD, keyOf(host), kept);
    }
  }
}

function keyOf(host: string): string {
  return digestOf(canonicalJson({ host }));
}

/** What is no pair of a digest and a repository of the registry is passed over. */
function placesIn(record: unknown, host: string): Places {
  const pairs: unknown[] = Array.isArray(record) ? record : [];
  return new Map(
    pairs.flatMap((pair): [string, string][] => {
      const [digest, repository] = (Array.isArray(pair) ? pair : []) as unknown[];
      const isPlace = isDigest(digest) && typeof repository === 'string' && repository.startsWith(`${host}/`);
      return isPlace ? [[digest, repository]] : [];
    }),
  );
}
