/** A blob that a manifest needs. */
export interface PlannedBlob {
  readonly digest: string;
  readonly size: number;
  /** Repositories, as `HOST/NAME`, that had it when they were last used, the likeliest first. */
  readonly knownIn?: readonly string[] | undefined;
  /** Repositories, as `HOST/NAME`, that would have it if they exist: only guesses. */
  readonly maybeIn?: readonly string[] | undefined;
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

/** A blob on its way into a repository, or as it got there. */
export interface BlobTransfer {
  readonly digest: string;
  readonly size: number;
  readonly repository: string;
  /** Repository of the same registry that it is mounted from, `HOST/NAME`; undefined: it is uploaded. */
  readonly from: string | undefined;
}

/** Brings a blob into a repository. */
export interface BlobStep extends BlobTransfer {
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
/** Guesses that are worth a question for one blob. */
const MAX_GUESSES = 3;

/**
 * Plans a whole push. A manifest that is there has its blobs. A blob that a repository of the registry has, or had when it was last
 * used, is mounted; every other one is uploaded to one repository and mounted into the others. A tag that is right is left alone.
 */
export function planPush(publications: readonly PlannedPublication[], known: Known): PushPlan {
  const manifests = planManifests(publications, known);
  const tags = planTags(publications, known);
  const blobs = placesIn(publications, known).flatMap(stepsFor);
  return { blobs, manifests: withoutTagged(manifests, tags), tags };
}

/** All steps of a plan's blobs in one list. */
export function flatSteps(steps: readonly BlobStep[]): readonly BlobStep[] {
  return steps.flatMap((step) => [step, ...step.then]);
}

/** A question whether a repository, as `HOST/NAME`, has a blob. */
export interface BlobQuestion {
  readonly repository: string;
  readonly digest: string;
  /** Whether nothing but a guess leads there, so that it may as well be out of reach. */
  readonly isGuess: boolean;
}

/** Lists the questions that are worth asking before blobs are uploaded. */
export function uncertainBlobs(publications: readonly PlannedPublication[], known: Known): readonly BlobQuestion[] {
  return placesIn(publications, known).flatMap((places) => {
    const { digest, size, guessed, needed } = places;
    const steps = flatSteps(stepsFor(places));
    if (size <= NOT_WORTH_ASKING || steps[0]?.from !== undefined) return [];
    const guesses = [...guessed].filter((repository) => !needed.has(repository)).slice(0, MAX_GUESSES);
    return [
      ...steps.map(({ repository }) => ({ repository, digest, isGuess: false })),
      ...(steps.length === 0 ? [] : guesses).map((repository) => ({ repository, digest, isGuess: true })),
    ];
  });
}

/** Where one blob of one registry is, was, may be, and has to come. */
interface Places {
  readonly digest: string;
  readonly size: number;
  readonly present: Set<string>;
  readonly hinted: Set<string>;
  readonly guessed: Set<string>;
  readonly needed: Set<string>;
}

function placesIn(publications: readonly PlannedPublication[], known: Known): readonly Places[] {
  const all = new Map<string, Places>();
  for (const { repository, manifests } of publications) {
    for (const manifest of manifests) {
      const isThere = known.manifests.has(`${repository}@${manifest.digest}`);
      for (const blob of manifest.blobs) {
        const places = placesOf(all, hostOf(repository), blob);
        const hasIt = isThere || known.blobs.has(`${repository}@${blob.digest}`);
        (hasIt ? places.present : places.needed).add(repository);
        for (const other of onHost(repository, blob.knownIn)) places.hinted.add(other);
        for (const other of onHost(repository, blob.maybeIn)) {
          (known.blobs.has(`${other}@${blob.digest}`) ? places.present : places.guessed).add(other);
        }
      }
    }
  }
  return [...all.values()];
}

function onHost(repository: string, others: readonly string[] = []): readonly string[] {
  return others.filter((other) => hostOf(other) === hostOf(repository));
}

function placesOf(all: Map<string, Places>, host: string, { digest, size }: PlannedBlob): Places {
  const key = `${host} ${digest}`;
  const found = all.get(key);
  if (found !== undefined) return found;
  const places = { digest, size, present: new Set<string>(), hinted: new Set<string>() };
  const made = { ...places, guessed: new Set<string>(), needed: new Set<string>() };
  all.set(key, made);
  return made;
}

function stepsFor({ digest, size, present, hinted, needed }: Places): readonly BlobStep[] {
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
