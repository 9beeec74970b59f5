import { EXIT, JointWork, Semaphore, StackError } from '../core';
import {
  digestOf,
  formatRepository,
  isDescriptor,
  parseDocument,
  parseReference,
  parseRepository,
  type Reference,
} from '../oci';
import type { Access } from './access';
import { hasBlob } from './blob-reader';
import type { BlobSource } from './blob-source';
import { uploadBlob, type ChunkOptions } from './blob-upload';
import { RequestFailure } from './failure';
import { findManifest, putManifest, type ManifestSource } from './manifests';
import {
  flatSteps,
  planPush,
  uncertainBlobs,
  type BlobQuestion,
  type BlobStep,
  type BlobTransfer,
  type Known,
  type ManifestStep,
  type PlannedPublication,
  type PushPlan,
  type TagStep,
} from './push-plan';
import { noteReferrer } from './referrers';
import { UploadSession } from './upload-session';

/** A manifest to be published, with the blobs it needs. */
export interface PublishedManifest extends ManifestSource {
  /** Config and layers; none for an index. */
  readonly blobs: readonly BlobSource[];
}

/** What is to be published in one repository. */
export interface Publication {
  /** `HOST/NAME`. */
  readonly repository: string;
  /** In any order but for the last, which gets the tags: an index behind its images. */
  readonly manifests: readonly PublishedManifest[];
  readonly tags?: readonly string[] | undefined;
}

/** Milliseconds for which an answer is taken for true: nobody can rule out that a tag moves within them. */
const ANSWER_AGE = 5000;

/** Pieces of work begun at a time; how many of their requests run is up to the lanes of the host. */
const PARALLEL = 32;

/** Publishes everything together: asks first, plans, then blobs, manifests by digest, and the tags when all else is there. */
export class Publishing {
  private readonly planned: readonly PlannedPublication[];
  private readonly manifests = new Map<string, PublishedManifest>();
  private readonly sources = new Map<string, BlobSource>();
  /** When it was last known what the tags name. */
  private asked = 0;
  /** `HOST/NAME@DIGEST` of manifests whose subject knows of them. */
  private readonly noted = new Set<string>();
  /** Our own changes to an index of referrers come one after the other. */
  private readonly noting = new Semaphore(1);
  private readonly work: JointWork;
  private readonly transfers: BlobTransfer[] = [];

  /**
   * @param accessTo the way to a repository
   * @throws StackError STACK6101, STACK6005
   */
  public constructor(
    publications: readonly Publication[],
    private readonly accessTo: (repository: string, signal: AbortSignal) => Access,
    private readonly chunks: ChunkOptions,
    signal: AbortSignal | undefined,
  ) {
    this.work = new JointWork(signal);
    this.planned = publications.map((publication) => this.take(publication));
  }

  /**
   * Asks the registries what they have, and plans the rest.
   * @throws StackError of any request
   */
  public async plan(): Promise<PushPlan> {
    const manifests = new Set<string>();
    const tags = new Map<string, string>();
    const questions = this.planned.flatMap(({ repository, manifests: wanted, tags: names }) => [
      ...wanted.map(({ digest }) => `${repository}@${digest}`),
      ...names.map((tag) => `${repository}:${tag}`),
    ]);
    await this.together(new Set(questions), async (question) => {
      const reference = parseReference(question);
      const found = await findManifest(this.access(formatRepository(reference)), reference, ['pull', 'push']);
      if (found === undefined) return;
      if (reference.digest === undefined) tags.set(question, found.digest);
      else manifests.add(question);
    });
    this.asked = performance.now();
    const known = { manifests, tags, blobs: new Set<string>() };
    await this.together(uncertainBlobs(this.planned, known), async (question) => {
      if (await this.isThere(question)) known.blobs.add(`${question.repository}@${question.digest}`);
    });
    return planPush(this.planned, known satisfies Known);
  }

  /**
   * Does what a plan says. When something fails, whatever is under way is broken off and no tag is touched any more. When it
   * took long, tags are looked at once more before: somebody else may have moved them meanwhile.
   * @returns how each blob got where it is: a mount that is refused becomes an upload
   * @throws StackError STACK6115, and of any request; the signal's reason when aborted
   */
  public async execute(plan: PushPlan): Promise<readonly BlobTransfer[]> {
    await this.together(plan.blobs, (step) => this.bring(step));
    for (const wave of plan.manifests) await this.together(wave, (step) => this.publish(step));
    if (performance.now() - this.asked > ANSWER_AGE)
      await this.together(plan.tags, (step) => this.requireUnmoved(step));
    await this.together(plan.tags, (step) => this.tag(step));
    return inOrderOf(plan, this.transfers);
  }

  /** A guess may lead to a repository that is out of reach; that is no failure of the push. */
  private async isThere({ repository, digest, isGuess }: BlobQuestion): Promise<boolean> {
    if (!isGuess) return hasBlob(this.access(repository), digest);
    try {
      return await hasBlob(this.access(repository), digest, ['pull']);
    } catch (error) {
      if (StackError.is(error) && error.exitStatus === EXIT.authentication) return false;
      throw error;
    }
  }

  private take({ repository: text, manifests, tags = [] }: Publication): PlannedPublication {
    const repository = formatRepository(parseRepository(text));
    for (const tag of tags) parseReference(`${repository}:${tag}`); // throws
    return {
      repository,
      tags,
      manifests: manifests.map((manifest) => {
        const digest = digestOf(manifest.content);
        this.manifests.set(digest, manifest);
        for (const blob of manifest.blobs) this.sources.set(blob.digest, blob);
        return { digest, blobs: manifest.blobs, children: childrenOf(manifest.content) };
      }),
    };
  }

  private async bring(step: BlobStep): Promise<void> {
    const { repository, digest, size, from, then } = step;
    const source = this.sources.get(digest);
    if (source === undefined) throw new StackError('STACK9001', `there is no source for the blob ${digest}`);
    const access = this.access(repository);
    const session =
      from === undefined ? undefined : await UploadSession.mount(access, source, parseRepository(from).name);
    if (from !== undefined && session === undefined) {
      access.listener({ code: 'blob-mounted', repository, digest, size, from });
      this.transfers.push({ repository, digest, size, from });
    } else {
      await uploadBlob(access, source, this.chunks, session);
      this.transfers.push({ repository, digest, size, from: undefined });
    }
    await this.together(then, (next) => this.bring(next));
  }

  private async publish({ repository, digest }: ManifestStep): Promise<void> {
    const access = this.access(repository);
    await this.put(access, { ...access.repository, digest }, digest);
    access.listener({ code: 'manifest-published', repository, digest });
  }

  private async requireUnmoved({ repository, tag, digest, was }: TagStep): Promise<void> {
    const access = this.access(repository);
    const found = await findManifest(access, { ...access.repository, tag }, ['pull', 'push']);
    if (found?.digest === was || found?.digest === digest) return;
    const [before, now] = [was ?? 'nothing', found?.digest ?? 'nothing'];
    throw new StackError(
      'STACK6115',
      `somebody else moved the tag '${tag}' of ${repository} meanwhile: it named ${before}, and now ${now}`,
      { hint: 'look at what was published there; publishing once more moves the tag all the same' },
    );
  }

  private async tag({ repository, tag, digest }: TagStep): Promise<void> {
    const access = this.access(repository);
    try {
      await this.put(access, { ...access.repository, tag }, digest);
    } catch (error) {
      if (!(await this.hasTag(access, tag, digest, error))) throw error;
    }
    access.listener({ code: 'tag-published', repository, tag, digest });
  }

  /**
   * Puts a manifest; if the registry misses what it should have, that is brought again, once.
   */
  private async put(access: Access, reference: Reference, digest: string): Promise<void> {
    const manifest = this.manifests.get(digest);
    if (manifest === undefined) throw new StackError('STACK9001', `there is no manifest ${digest}`);
    try {
      const { subject } = await putManifest(access, reference, manifest);
      const name = `${formatRepository(access.repository)}@${digest}`;
      if (subject !== undefined || this.noted.has(name)) return;
      this.noted.add(name);
      await this.noting.run(() => noteReferrer(access, manifest));
    } catch (error) {
      if (!(error instanceof RequestFailure) || !error.codes.some((code) => MISSING.has(code))) throw error;
      const repository = formatRepository(access.repository);
      await this.together(manifest.blobs, async ({ digest: blob, size }) => {
        if (await hasBlob(access, blob)) return;
        await this.bring({ digest: blob, size, repository, from: undefined, then: [] });
      });
      await putManifest(access, reference, manifest);
    }
  }

  /** Whether a tag that could not be put is right all the same: tags that cannot be moved are, if they name the image already. */
  private async hasTag(access: Access, tag: string, digest: string, error: unknown): Promise<boolean> {
    if (!(error instanceof RequestFailure) || !IMMUTABLE.has(error.status ?? 0)) return false;
    const found = await findManifest(access, { ...access.repository, tag }, ['pull', 'push']);
    if (found === undefined || found.digest === digest) return found !== undefined;
    throw new StackError(
      'STACK6114',
      `the tag '${tag}' of ${formatRepository(access.repository)} names ${found.digest} and cannot be moved`,
      {
        hint: 'the registry keeps tags as they are: publish under a new tag, or allow to replace this one',
        cause: error,
      },
    );
  }

  private access(repository: string): Access {
    return this.accessTo(repository, this.work.signal);
  }

  /** Works on all items at the same time; the first failure breaks off the others. */
  private together<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    return this.work.forEach(items, PARALLEL, work);
  }
}

/** Codes of a manifest whose parts are not there. */
const MISSING: ReadonlySet<string> = new Set(['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN']);
/** Statuses with which registries keep a tag from being moved. */
const IMMUTABLE: ReadonlySet<number> = new Set([400, 403, 405, 409, 412]);

/** Transfers end in any order; they are told in that of the plan, and what the plan did not foresee comes last. */
function inOrderOf({ blobs }: PushPlan, transfers: readonly BlobTransfer[]): readonly BlobTransfer[] {
  const nameOf = ({ repository, digest }: BlobTransfer): string => `${repository}@${digest}`;
  const places = new Map(flatSteps(blobs).map((step, place) => [nameOf(step), place]));
  const placeOf = (transfer: BlobTransfer): number => places.get(nameOf(transfer)) ?? places.size;
  return [...transfers].sort((a, b) => placeOf(a) - placeOf(b));
}

function childrenOf(content: Buffer): readonly string[] {
  const document = parseDocument(content, 'a manifest to be published');
  const { manifests } = (document ?? {}) as { readonly manifests?: unknown };
  return Array.isArray(manifests) ? manifests.filter(isDescriptor).map(({ digest }) => digest) : [];
}
