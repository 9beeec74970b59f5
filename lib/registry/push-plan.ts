/** A blob that a manifest needs. */
export interface PlannedBlob {
  readonly digest: string;
  readonly size: number;
  /** Repositories, as `HOST/NAME`, that may have it. */
  readonly knownIn?: readonly string[] | undefined;
}

/** A manifest or index to be published. */
export interface PlannedManifest {
  readonly digest: string;
  readonly blobs: readonly PlannedBlob[];
  /** Digests of the manifests that must be there before it. */
  readonly children: readonly string[];
}

/** What goes to one repository: the last manifest gets the tags. */
export interface PlannedPublication {
  /** `HOST/NAME`. */
  readonly repository: string;
  readonly manifests: readonly PlannedManifest[];
  readonly tags: readonly string[];
}

/** What registries have, as far as they were asked. */
export interface Known {
  /** `HOST/NAME@DIGEST`. */
  readonly manifests: ReadonlySet<string>;
  /** `HOST/NAME@DIGEST`. */
  readonly blobs: ReadonlySet<string>;
  /** Digests by `HOST/NAME:TAG`. */
  readonly tags: ReadonlyMap<string, string>;
}

/** Brings a blob into a repository. */
export interface BlobStep {
  readonly digest: string;
  readonly size: number;
  readonly repository: string;
  /** Repository of the same registry to mount it from, `HOST/NAME`; undefined: it is uploaded. */
  readonly from: string | undefined;
  /** Steps that need this one, since they mount from where it brings the blob. */
  readonly then: readonly BlobStep[];
}

/** Publishes a manifest by its digest. */
export interface ManifestStep {
  readonly repository: string;
  readonly digest: string;
}

/** Lets a tag name a manifest. */
export interface TagStep extends ManifestStep {
  readonly tag: string;
  /** What it named when the registry was asked; undefined when it was not there. */
  readonly was: string | undefined;
}

/** Everything to be done: blobs first, then the waves of manifests one after the other, tags, with their manifests, last. */
export interface PushPlan {
  readonly blobs: readonly BlobStep[];
  /** Each needs only those of waves before it. */
  readonly manifests: readonly (readonly ManifestStep[])[];
  readonly tags: readonly TagStep[];
}

/** Blobs of at most so many bytes are uploaded as soon as they can be asked for: a config, mostly, that is new if its image is. */
const NOT_WORTH_ASKING = 8 * 1024;

/**
 * Plans a whole push. A manifest that is there has its blobs; every other blob is uploaded to one repository of its registry
 * and mounted into the others, or only mounted where the registry has it already. A tag that is right is left alone.
 */
export function planPush(publications: readonly PlannedPublication[], known: Known): PushPlan {
  const manifests = planManifests(publications, known);
  const tags = planTags(publications, known);
  return { blobs: planBlobs(publications, known), manifests: withoutTagged(manifests, tags), tags };
}

/** Blobs and repositories that are worth a question before something is uploaded, as `HOST/NAME` and digest. */
export function uncertainBlobs(plan: PushPlan): readonly ManifestStep[] {
  return plan.blobs
    .filter(({ from, size }) => from === undefined && size > NOT_WORTH_ASKING)
    .flatMap((step) => [step, ...step.then].map(({ repository, digest }) => ({ repository, digest })));
}

/** Where one blob of one registry is, may be, and has to come. */
interface Places {
  readonly size: number;
  readonly present: Set<string>;
  readonly hinted: Set<string>;
  readonly needed: Set<string>;
}

function planBlobs(publications: readonly PlannedPublication[], known: Known): readonly BlobStep[] {
  const all = new Map<string, Places>();
  for (const { repository, manifests } of publications) {
    for (const manifest of manifests) {
      const isThere = known.manifests.has(`${repository}@${manifest.digest}`);
      for (const blob of manifest.blobs) {
        const places = placesOf(all, hostOf(repository), blob);
        const hasIt = isThere || known.blobs.has(`${repository}@${blob.digest}`);
        (hasIt ? places.present : places.needed).add(repository);
        for (const other of blob.knownIn ?? []) if (hostOf(other) === hostOf(repository)) places.hinted.add(other);
      }
    }
  }
  return [...all].flatMap(([key, places]) => stepsFor(key.slice(key.indexOf(' ') + 1), places));
}

function placesOf(all: Map<string, Places>, host: string, { digest, size }: PlannedBlob): Places {
  const key = `${host} ${digest}`;
  const places = all.get(key) ?? { size, present: new Set(), hinted: new Set(), needed: new Set() };
  all.set(key, places);
  return places;
}

function stepsFor(digest: string, { size, present, hinted, needed }: Places): readonly BlobStep[] {
  const missing = [...needed].filter((repository) => !present.has(repository));
  const step = (repository: string, from: string | undefined, then: readonly BlobStep[] = []): BlobStep => ({
    digest,
    size,
    repository,
    from,
    then,
  });
  const [source] = present;
  if (source !== undefined) return missing.map((repository) => step(repository, source));
  const [home, ...others] = missing;
  if (home === undefined) return [];
  const hint = [...hinted].find((repository) => repository !== home);
  return [
    step(
      home,
      hint,
      others.map((repository) => step(repository, home)),
    ),
  ];
}

function planManifests(
  publications: readonly PlannedPublication[],
  known: Known,
): readonly (readonly ManifestStep[])[] {
  const waves: ManifestStep[][] = [];
  const planned = new Set<string>();
  for (const { repository, manifests } of publications) {
    const depths = new Map<string, number>();
    for (const { digest, children } of manifests) {
      const key = `${repository}@${digest}`;
      const depth = known.manifests.has(key) ? 0 : 1 + Math.max(0, ...children.map((child) => depths.get(child) ?? 0));
      depths.set(digest, depth);
      if (depth === 0 || planned.has(key)) continue;
      planned.add(key);
      (waves[depth - 1] ??= []).push({ repository, digest });
    }
  }
  return waves;
}

/** One manifest that nothing waits for but its tags need not be published before them: putting it under a tag does that too. */
function withoutTagged(waves: PushPlan['manifests'], tags: readonly TagStep[]): PushPlan['manifests'] {
  const [only, ...others] = waves.flat();
  const isTagged = tags.some(({ repository, digest }) => repository === only?.repository && digest === only.digest);
  return others.length === 0 && isTagged ? [] : waves;
}

function planTags(publications: readonly PlannedPublication[], known: Known): readonly TagStep[] {
  // Where two publications give one tag, the later one wins as it would if they were published one after the other.
  const wanted = new Map<string, TagStep>();
  for (const { repository, manifests, tags } of publications) {
    const digest = manifests.at(-1)?.digest;
    if (digest === undefined) continue;
    for (const tag of tags) {
      const name = `${repository}:${tag}`;
      wanted.set(name, { repository, tag, digest, was: known.tags.get(name) });
    }
  }
  return [...wanted.values()].filter(({ digest, was }) => digest !== was);
}

function hostOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'));
}
