import * as v from 'valibot';
import { isSupportedDigest } from '../oci';
import { DEBIAN_SYNTAX, SHA256_PATTERN } from './limits';
import { LOCK_FILE_VERSION } from './version';

/** A Debian package, pinned. */
const lockedPackageSchema = v.object({
  name: v.pipe(v.string(), v.regex(DEBIAN_SYNTAX.name)),
  version: v.pipe(v.string(), v.regex(DEBIAN_SYNTAX.version)),
  architecture: v.pipe(v.string(), v.regex(DEBIAN_SYNTAX.architecture)),
  /** Of the .deb file, 64 hex characters. */
  sha256: v.pipe(v.string(), v.regex(SHA256_PATTERN)),
  /** Bytes of the .deb file. */
  size: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
export type LockedPackage = Readonly<v.InferOutput<typeof lockedPackageSchema>>;

const debianEntrySchema = v.looseObject({
  packages: v.pipe(
    v.array(lockedPackageSchema),
    v.check((packages) => new Set(packages.map(({ name }) => name)).size === packages.length, 'names a package twice'),
  ),
});

/** The content of a URL, pinned. */
const lockedUrlSchema = v.looseObject({
  /** 64 hex characters. */
  sha256: v.pipe(v.string(), v.regex(SHA256_PATTERN)),
  /** Bytes. */
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type LockedUrl = Readonly<Pick<v.InferOutput<typeof lockedUrlSchema>, 'sha256' | 'size'>>;

/** What a reference to an image in a registry stands for. */
const lockedImageSchema = v.looseObject({
  /** Of the manifest or index. */
  digest: v.pipe(v.string(), v.check(isSupportedDigest, 'is not a digest')),
});
export type LockedImage = Readonly<Pick<v.InferOutput<typeof lockedImageSchema>, 'digest'>>;

/** Members that a newer version added are kept as they are. */
const lockFileSchema = v.looseObject({
  lockfileVersion: v.literal(LOCK_FILE_VERSION),
  debian: v.optional(v.record(v.string(), debianEntrySchema)),
  urls: v.optional(v.record(v.string(), lockedUrlSchema)),
  images: v.optional(v.record(v.string(), lockedImageSchema)),
});
export type LockFileContent = v.InferOutput<typeof lockFileSchema>;

/** The content of a lock file, or what is wrong with it. */
export function parseLockFile(json: unknown): { readonly content: LockFileContent } | { readonly fault: string } {
  const parsed = v.safeParse(lockFileSchema, json, { lang: 'en' });
  if (parsed.success) return { content: parsed.output };
  const [issue] = parsed.issues;
  const place = issue.path?.map(({ key }) => String(key)).join(' / ');
  return { fault: `${place ?? 'the top'}: ${issue.message}` };
}
