/**
 * The plan: the only thing the constructs and the engine share. `synth` writes it, everything after reads it.
 * Readers tolerate unknown members, so a newer minor version can add some; `schemaVersion` moves when they cannot.
 */
import * as z from 'zod/mini';
import { LIMITS, SHA256_PATTERN } from './limits';
import { PLAN_SCHEMA_VERSION } from './version';

/** What a layer's delta becomes: a tar, or a filesystem image that is mounted as it is. */
export const layerFormatSchema = z.enum(['tar', 'squashfs']);
export type LayerFormat = z.infer<typeof layerFormatSchema>;

const stringMap = z.record(z.string(), z.string());
const sha256 = z.string().check(z.regex(SHA256_PATTERN));
const id = integer(LIMITS.id);
/** Durations are nanoseconds, as in the image config. */
const nanoseconds = z.int().check(z.minimum(0));

function integer(range: { readonly min: number; readonly max: number }): z.ZodMiniNumberFormat {
  return z.int().check(z.minimum(range.min), z.maximum(range.max));
}

/** A file or directory: of the user's (relative to the app's directory), or in another image. A trailing slash of `path` is kept. */
export const fileRefSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('path'), path: z.string() }),
  z.object({ type: z.literal('image-file'), image: z.string(), path: z.string() }),
]);
export type FileRef = z.infer<typeof fileRefSchema>;

/** What a layer stands on. `image` members are keys of `images`. */
export const sourceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('scratch') }),
  z.object({ type: z.literal('tar'), file: fileRefSchema, sha256: z.optional(sha256) }),
  z.object({ type: z.literal('oci-layout'), directory: z.string(), reference: z.optional(z.string()) }),
  z.object({ type: z.literal('image'), image: z.string() }),
]);
export type SourcePlan = z.infer<typeof sourceSchema>;

/** One import of a layer. */
export const importSchema = z.object({
  source: fileRefSchema,
  /** Absolute path in the image; a trailing slash means "into this directory". */
  dest: z.string(),
  sha256: z.optional(sha256),
  mode: z.optional(integer(LIMITS.mode)),
  uid: z.optional(id),
  gid: z.optional(id),
  exclude: z.optional(z.array(z.string())),
});
export type ImportPlan = z.infer<typeof importSchema>;

/** Runtime configuration as the user declared it; what is absent is inherited. */
export const configSchema = z.object({
  env: z.optional(stringMap),
  entrypoint: z.optional(z.array(z.string())),
  cmd: z.optional(z.array(z.string())),
  user: z.optional(z.string()),
  workingDir: z.optional(z.string()),
  labels: z.optional(stringMap),
  volumes: z.optional(z.array(z.string())),
  exposedPorts: z.optional(z.array(z.string())),
  stopSignal: z.optional(z.string()),
  healthcheck: z.optional(
    z.object({
      test: z.array(z.string()),
      interval: z.optional(nanoseconds),
      timeout: z.optional(nanoseconds),
      startPeriod: z.optional(nanoseconds),
      retries: z.optional(z.int().check(z.minimum(0))),
    }),
  ),
});
export type ConfigPlan = z.infer<typeof configSchema>;

const imageBase = {
  /** Repository name, or the name in an OCI layout. */
  name: z.string(),
  tags: z.optional(z.array(z.string())),
  buildOnly: z.boolean(),
  /** `os/architecture[/variant]`; absent: the platform of the machine that deploys. */
  platform: z.optional(z.string()),
  /** Absent: the plan's. */
  formats: z.optional(z.array(layerFormatSchema)),
  config: z.optional(configSchema),
  annotations: z.optional(stringMap),
  /** Keys of `images` that must be built before this one though the recipe does not use them. */
  dependsOn: z.optional(z.array(z.string())),
  /** `file:line:column` that created the construct, relative to the app's directory. */
  source: z.optional(z.string()),
};

/** Recipe of a `Layer`. */
export const layerSchema = z.object({
  ...imageBase,
  type: z.literal('layer'),
  from: sourceSchema,
  imports: z.array(importSchema),
});
export type LayerPlan = z.infer<typeof layerSchema>;

/** Recipe of a `DebianPackages`. */
export const debianSchema = z.object({
  ...imageBase,
  type: z.literal('debian-packages'),
  packages: z.array(z.string()),
  dependencies: z.enum(['none', 'closure']),
  suite: z.optional(z.string()),
  /** deb822 or one-line source entries instead of the host's. */
  sources: z.optional(z.string()),
  architecture: z.optional(z.string()),
  exclude: z.optional(z.array(z.string())),
});
export type DebianPlan = z.infer<typeof debianSchema>;

/** Recipe of a `StackedImage`: keys of `images`, bottom to top. */
export const stackedSchema = z.object({
  ...imageBase,
  type: z.literal('stacked-image'),
  components: z.array(z.string()),
});
export type StackedPlan = z.infer<typeof stackedSchema>;

export const imageSchema = z.discriminatedUnion('type', [layerSchema, debianSchema, stackedSchema]);
export type ImagePlan = z.infer<typeof imageSchema>;

export const tarOptionsSchema = z.object({
  compression: z.optional(z.enum(['zstd', 'gzip', 'none'])),
  /** zstd: 1 to 19, default 3; gzip: 1 to 9, default 6. */
  level: z.optional(integer(LIMITS.zstdLevel)),
});
export type TarOptions = z.infer<typeof tarOptionsSchema>;

export const squashfsOptionsSchema = z.object({
  /** Append a dm-verity hash tree and annotate its root; default true. */
  verity: z.optional(z.boolean()),
  /** `legacy` writes the media type of stacker up to 1.0. */
  mediaType: z.optional(z.enum(['current', 'legacy'])),
  /** zstd level, 1 to 19, default 3. */
  level: z.optional(integer(LIMITS.zstdLevel)),
});
export type SquashfsOptions = z.infer<typeof squashfsOptionsSchema>;

/** `plan.json`: every image's full recipe, by construct path. */
export const planSchema = z.object({
  $schema: z.optional(z.string()),
  schemaVersion: z.literal(PLAN_SCHEMA_VERSION),
  /** The app's directory, relative to the directory that holds the plan; relative paths of the recipes start there. */
  directory: z.string(),
  /** Seconds since 1970 that stand for "now" in everything built; absent: SOURCE_DATE_EPOCH, else 1980-01-01. */
  epoch: z.optional(integer(LIMITS.epoch)),
  formats: z.array(layerFormatSchema),
  tar: z.optional(tarOptionsSchema),
  squashfs: z.optional(squashfsOptionsSchema),
  images: z.record(z.string(), imageSchema),
});
export type Plan = z.infer<typeof planSchema>;

/** One artifact of `manifest.json`. */
export const artifactSchema = z.object({
  type: z.enum(['oci:image', 'stack:tree', 'stack:plan']),
  dependencies: z.optional(z.array(z.string())),
  file: z.optional(z.string()),
});

/** `manifest.json`: what is in the output directory. */
export const manifestSchema = z.object({
  $schema: z.optional(z.string()),
  schemaVersion: z.literal(PLAN_SCHEMA_VERSION),
  framework: z.object({ name: z.string(), version: z.string() }),
  artifacts: z.record(z.string(), artifactSchema),
});
export type AssemblyManifest = z.infer<typeof manifestSchema>;

/** One node of `tree.json`. */
export interface TreeNode {
  readonly id: string;
  readonly path: string;
  readonly construct: string;
  readonly source?: string | undefined;
  readonly children?: readonly TreeNode[] | undefined;
}

export const treeNodeSchema: z.ZodMiniType<TreeNode> = z.object({
  id: z.string(),
  path: z.string(),
  construct: z.string(),
  source: z.optional(z.string()),
  children: z.optional(z.array(z.lazy(() => treeNodeSchema))),
});

/** `tree.json`: the construct tree. */
export const treeSchema = z.object({
  $schema: z.optional(z.string()),
  schemaVersion: z.literal(PLAN_SCHEMA_VERSION),
  tree: treeNodeSchema,
});
export type TreeFile = z.infer<typeof treeSchema>;
