import { canonicalJson } from '../core';
import { digestOf, isDigest } from '../oci';
import type { Publication } from '../registry';
import type { Store } from '../store';

const RECORD = 'published';
/** Blobs of one registry that are remembered; the ones published last stay. */
const MAX_BLOBS = 20_000;

/** Repositories by the digests of blobs. */
type Places = Map<string, string>;

/**
 * Repositories where blobs were published before, by registry. A registry that has lost a blob refuses to mount it, and it is
 * uploaded.
 */
export class PublishedPlaces {
  /** Loads what the store knows of some registries. @throws StackError STACK7001 */
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

  /**
   * Remembers where blobs are after a push, also those that were there before. What is known already stays, so that a push
   * that changes nothing writes nothing.
   * @throws StackError STACK7001, STACK7002
   */
  public async note(publications: readonly Publication[]): Promise<void> {
    const repositories = new Map<string, string[]>();
    for (const { repository, manifests } of publications) {
      for (const { digest } of manifests.flatMap(({ blobs }) => blobs)) {
        const key = `${hostOf(repository)} ${digest}`;
        repositories.set(key, [...(repositories.get(key) ?? []), repository]);
      }
    }
    const changed = new Set<string>();
    for (const [key, [repository = '', ...others]] of repositories) {
      const [host = '', digest = ''] = key.split(' ');
      const known = this.places.get(host);
      const before = known?.get(digest);
      if (known === undefined || (before !== undefined && [repository, ...others].includes(before))) continue;
      known.delete(digest); // the latest come last
      known.set(digest, repository);
      changed.add(host);
    }
    for (const host of changed) {
      const kept = [...(this.places.get(host) ?? [])].slice(-MAX_BLOBS);
      await this.store.writeRecord(RECORD, keyOf(host), kept);
    }
  }
}

function hostOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'));
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
