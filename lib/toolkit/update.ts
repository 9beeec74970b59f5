import { StackError, type Listener } from '../core';
import { formatReference, parseReference, type Platform } from '../oci';
import { lockKey, packageRequest, type BuildContext } from '../build';
import { outsideReferences, shownUrl, type LockFile, type OutsideReference, type Plan } from '../plan';
import { withBuild, type BuildOptions } from './build-context';
import { platformOf } from './platform';

/** What to look up anew. */
export interface UpdateOptions extends Pick<BuildOptions, 'assembly' | 'plainHttp' | 'signal' | 'frozen'> {
  /** References of images, URLs and names of Debian packages; all that the app uses when there are none. */
  readonly references: readonly string[];
  /** Tell what would change, and leave the lock file as it is. */
  readonly dryRun?: boolean;
  readonly listener: Listener;
}

/** What an entry of the lock file stands for now. */
export interface UpdatedEntry {
  readonly kind: OutsideReference['kind'];
  /** As the lock file has it, but URLs without their query. */
  readonly reference: string;
  /** What it stood for, as the lock file says it: a digest, a sha256, or packages with their versions. Absent for a new entry. */
  readonly was?: string;
  readonly now: string;
}

/** An entry that several images may use. */
interface Entry extends Pick<UpdatedEntry, 'kind' | 'reference'> {
  /** What may name it. */
  readonly names: readonly string[];
  readonly read: (lockFile: LockFile) => string | undefined;
  readonly lookUp: (context: BuildContext) => Promise<unknown>;
}

/**
 * Looks up what the app's mutable references stand for now, and locks that. The lock file is written once, when all is known.
 * @throws StackError STACK1004 for a name that the app does not use, STACK3021 when the lock file must not change, STACK3003,
 *   STACK3010 to STACK3014, STACK3020, STACK6005, STACK6101 to STACK6113, STACK7001, STACK7002
 */
export async function update(options: UpdateOptions): Promise<readonly UpdatedEntry[]> {
  const { assembly, references, dryRun = false, frozen = false } = options;
  if (frozen) {
    throw new StackError('STACK3021', 'the lock file must not be changed, as --frozen says', {
      hint: 'run stack update without it, and commit the lock file',
    });
  }
  const { plan } = assembly;
  const images = Object.keys(plan.images);
  const entries = chosen(
    entriesOf(
      plan,
      outsideReferences(plan, images).filter(({ isMutable }) => isMutable),
    ),
    references,
  );
  return withBuild(options, images, [], async (context) => {
    const { lockFile } = context;
    const before = entries.map(({ read }) => read(lockFile));
    for (const { lookUp } of entries) await lookUp(context);
    if (!dryRun) await lockFile.save();
    return entries.map(({ kind, reference, read }, at) => {
      const was = before[at];
      return { kind, reference, ...(was === undefined ? {} : { was }), now: read(lockFile) ?? '' };
    });
  });
}

/** Each entry once; one image may be used for several platforms. */
function entriesOf(plan: Plan, used: readonly OutsideReference[]): readonly Entry[] {
  const platforms = new Map<string, Platform[]>();
  for (const each of used) {
    if (each.kind !== 'image') continue;
    platforms.set(each.reference, [...(platforms.get(each.reference) ?? []), platformOf(plan, each.image)]);
  }
  const entries = new Map<string, Entry>();
  for (const entry of used.map((each) => entryOf(each, platforms))) entries.set(entry.names[0] ?? '', entry);
  return [...entries.values()];
}

function entryOf(each: OutsideReference, platforms: ReadonlyMap<string, readonly Platform[]>): Entry {
  switch (each.kind) {
    case 'image': {
      const { kind, reference } = each;
      return {
        kind,
        reference,
        names: [reference],
        read: (lockFile) => lockFile.image(reference)?.digest,
        lookUp: ({ registryImages }) => registryImages.update(reference, platforms.get(reference) ?? []),
      };
    }
    case 'url': {
      const { kind, url, image } = each;
      return {
        kind,
        reference: shownUrl(url),
        names: [url, shownUrl(url)],
        read: (lockFile) => lockFile.url(url)?.sha256,
        lookUp: ({ downloads }) => downloads.update(image, url),
      };
    }
    case 'debian': {
      const { kind, image, plan } = each;
      const request = packageRequest(plan);
      const key = lockKey(request);
      return {
        kind,
        reference: key,
        names: [key, ...request.packages.map(({ name }) => name)],
        read: (lockFile) =>
          lockFile
            .debian(key)
            ?.map(({ name, version }) => `${name}=${version}`)
            .join(' '),
        lookUp: ({ debian }) => debian.update(image, plan),
      };
    }
  }
}

/** The entries that names stand for. @throws StackError STACK1004 */
function chosen(entries: readonly Entry[], names: readonly string[]): readonly Entry[] {
  if (names.length === 0) return entries;
  const wanted = names.flatMap((name) => {
    const found = entries.filter((entry) => entry.names.includes(name) || entry.names.includes(complete(name)));
    if (found.length > 0) return found;
    throw new StackError('STACK1004', `the app uses nothing called '${shownUrl(name)}' that the lock file could pin`, {
      hint: `it uses ${entries.map(({ reference }) => reference).join(', ') || 'nothing of that kind'}`,
    });
  });
  return entries.filter((entry) => wanted.includes(entry));
}

/** `docker.io/library/debian:12` for `debian:12` or `docker://debian:12`. */
function complete(name: string): string {
  try {
    return formatReference(parseReference(name.replace(/^docker:\/\//, '')));
  } catch (error) {
    if (StackError.is(error)) return name;
    throw error;
  }
}
