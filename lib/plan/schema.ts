/**
 * The plan: the only thing the constructs and the engine share. `synth` writes it, everything after reads it.
 * Readers tolerate unknown members, so a newer minor version can add some; `schemaVersion` moves when they cannot.
 */
import * as v from 'valibot';
import { LAYER_FORMATS, LIMITS, SHA256_PATTERN } from './limits';
import { PLAN_SCHEMA_VERSION } from './version';

/** What a layer's delta becomes: a tar, or a filesystem image that is mounted as it is. */
export const layerFormatSchema = v.picklist(LAYER_FORMATS);
export type LayerFormat = v.InferOutput<typeof layerFormatSchema>;

const stringMap = v.record(v.string(), v.string());
const sha256 = v.pipe(v.string(), v.regex(SHA256_PATTERN));
const id = integer(LIMITS.id);
/** Durations are nanoseconds, as in the image config. */
const nanoseconds = v.pipe(v.number(), v.integer(), v.minValue(0));

function integer({ min, max }: { readonly min: number; readonly max: number }): v.GenericSchema<number> {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
}

/**
 * A file or directory: of the user's (relative to the app's directory), in another image, or a file to download. A trailing slash
 * of `path` is kept; `url` is whole, with its query.
 */
export const fileRefSchema = v.variant('type', [
  v.object({ type: v.literal('path'), path: v.string() }),
  v.object({ type: v.literal('image-file'), image: v.string(), path: v.string() }),
  v.object({ type: v.literal('url'), url: v.string() }),
]);
export type FileRef = v.InferOutput<typeof fileRefSchema>;

/** What a layer stands on. `image` members are keys of `images`. */
export const sourceSchema = v.variant('type', [
  v.object({ type: v.literal('scratch') }),
  v.object({ type: v.literal('tar'), file: fileRefSchema, sha256: v.optional(sha256) }),
  v.object({ type: v.literal('oci-layout'), directory: v.string(), reference: v.optional(v.string()) }),
  /** `HOST/NAME[:TAG][@DIGEST]`, with nothing left out. */
  v.object({ type: v.literal('registry'), reference: v.string() }),
  v.object({ type: v.literal('image'), image: v.string() }),
]);
export type SourcePlan = v.InferOutput<typeof sourceSchema>;

/** One import of a layer. */
export const importSchema = v.object({
  source: fileRefSchema,
  /**
   * Absolute path in the image; a trailing slash means "into this directory". Below {@link SCRIPT_IMPORTS} it is for the
   * script to read, and not part of the layer.
   */
  dest: v.string(),
  sha256: v.optional(sha256),
  mode: v.optional(integer(LIMITS.mode)),
  uid: v.optional(id),
  gid: v.optional(id),
  exclude: v.optional(v.array(v.string())),
});
export type ImportPlan = v.InferOutput<typeof importSchema>;

/** Something of the host's that a script sees. */
export const bindSchema = v.object({
  /** Relative to the app's directory. */
  source: v.string(),
  /** Absolute path in the sandbox. */
  dest: v.string(),
  readonly: v.boolean(),
  /** Stands for the content, which is not looked at then. */
  cacheKey: v.optional(v.string()),
});
export type BindPlan = v.InferOutput<typeof bindSchema>;

/** A directory that is kept from one run to the next: the layer's own, locked, by its absolute path alone. */
export const cacheSchema = v.union([
  v.string(),
  v.object({
    /** Absolute path in the sandbox. */
    path: v.string(),
    /** Layers of the app that say the same have the same cache. Absent: the layer's own. */
    id: v.optional(v.string()),
    /** How scripts that run at the same time use it. Absent: `locked`. */
    sharing: v.optional(v.picklist(['shared', 'private', 'locked'])),
  }),
]);
export type CachePlan = v.InferOutput<typeof cacheSchema>;

/** Something that a script may read and nobody else; the plan knows only where it is. */
export const secretSchema = v.object({
  id: v.string(),
  source: v.variant('type', [
    v.object({ type: v.literal('file'), path: v.string() }),
    v.object({ type: v.literal('env'), name: v.string() }),
  ]),
  /** Absolute path in the sandbox, or the name of an environment variable. */
  dest: v.string(),
});
export type SecretPlan = v.InferOutput<typeof secretSchema>;

/** Runtime configuration as the user declared it; what is absent is inherited. */
export const configSchema = v.object({
  env: v.optional(stringMap),
  entrypoint: v.optional(v.array(v.string())),
  cmd: v.optional(v.array(v.string())),
  user: v.optional(v.string()),
  workingDir: v.optional(v.string()),
  labels: v.optional(stringMap),
  volumes: v.optional(v.array(v.string())),
  exposedPorts: v.optional(v.array(v.string())),
  stopSignal: v.optional(v.string()),
  healthcheck: v.optional(
    v.object({
      test: v.array(v.string()),
      interval: v.optional(nanoseconds),
      timeout: v.optional(nanoseconds),
      startPeriod: v.optional(nanoseconds),
      retries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    }),
  ),
});
export type ConfigPlan = v.InferOutput<typeof configSchema>;

const imageBase = {
  /** Repository name, or the name in an OCI layout. */
  name: v.string(),
  tags: v.optional(v.array(v.string())),
  buildOnly: v.boolean(),
  /** `os/architecture[/variant]`; absent: the platform of the machine that deploys. */
  platform: v.optional(v.string()),
  /** Absent: the plan's. */
  formats: v.optional(v.array(layerFormatSchema)),
  config: v.optional(configSchema),
  annotations: v.optional(stringMap),
  /** Keys of `images` that must be built before this one though the recipe does not use them. */
  dependsOn: v.optional(v.array(v.string())),
  /** `file:line:column` that created the construct, relative to the app's directory. */
  source: v.optional(v.string()),
};

/** Recipe of a `Layer`. */
export const layerSchema = v.object({
  ...imageBase,
  type: v.literal('layer'),
  from: sourceSchema,
  /** What an image from outside stands on; absent: what it tells of that itself. */
  base: v.optional(sourceSchema),
  imports: v.array(importSchema),
  /** Script that runs in a sandbox on top of the base and the imports. */
  run: v.optional(v.string()),
  /** Environment of the script only. */
  buildEnv: v.optional(stringMap),
  /** Anchored regular expressions: variables of the deploying process that the script gets too. Absent: the proxies. */
  buildEnvPassthrough: v.optional(v.array(v.string())),
  /** Absent: `host`. */
  network: v.optional(v.picklist(['host', 'none'])),
  binds: v.optional(v.array(bindSchema)),
  caches: v.optional(v.array(cacheSchema)),
  secrets: v.optional(v.array(secretSchema)),
  /** What of the script's changes is left out: patterns as in a .dockerignore file, from the root of the image. */
  exclude: v.optional(v.array(v.string())),
  /** Leaves out what package managers and programs leave behind. Absent: false. */
  clean: v.optional(v.boolean()),
  /**
   * The range of system ids that the script's new users and groups get, but for names that have an id of their own; absent: the
   * base's own range; false: all as the base has it.
   */
  idLane: v.optional(v.union([v.literal(false), integer(LIMITS.idLane)])),
  /** Script whose files in /stack/oci-labels become labels. */
  generateLabels: v.optional(v.string()),
});
export type LayerPlan = v.InferOutput<typeof layerSchema>;

/** Recipe of a `DebianPackages`. */
export const debianSchema = v.object({
  ...imageBase,
  type: v.literal('debian-packages'),
  packages: v.array(v.string()),
  dependencies: v.picklist(['none', 'closure']),
  suite: v.optional(v.string()),
  /** deb822 or one-line source entries instead of the host's. */
  sources: v.optional(v.string()),
  architecture: v.optional(v.string()),
  exclude: v.optional(v.array(v.string())),
});
export type DebianPlan = v.InferOutput<typeof debianSchema>;

const conflictPolicySchema = v.picklist(['error', 'warn', 'last-wins']);

/** What becomes of conflicts between components. */
export const conflictsSchema = v.object({
  /** Of those that no rule is about; absent: `error`. */
  default: v.optional(conflictPolicySchema),
  /** Globs over absolute paths; the last one that matches counts. */
  rules: v.optional(v.array(v.object({ match: v.string(), policy: conflictPolicySchema }))),
  /** Of whiteouts that hide files of another component; absent: `error`. */
  whiteouts: v.optional(v.picklist(['error', 'repair', 'allow'])),
  /** Whether names that differ only in case or Unicode form are errors; absent: false. */
  portable: v.optional(v.boolean()),
  /** `ignore`: components may have a root filesystem each without sharing a layer; absent: `error`. */
  base: v.optional(v.picklist(['error', 'ignore'])),
});
export type ConflictsPlan = v.InferOutput<typeof conflictsSchema>;

/** A merger of the app's own. */
export const mergerSchema = v.object({
  /** File of a JavaScript module, relative to the app's directory and in it. */
  module: v.string(),
  /** Globs over absolute paths: what it is for. */
  paths: v.array(v.string()),
});
export type MergerPlan = v.InferOutput<typeof mergerSchema>;

/** Recipe of a `StackedImage`: keys of `images`, bottom to top. */
export const stackedSchema = v.object({
  ...imageBase,
  type: v.literal('stacked-image'),
  components: v.array(v.string()),
  conflicts: v.optional(conflictsSchema),
  /** They go before the built-in ones, in this order. */
  mergers: v.optional(v.array(mergerSchema)),
  /** Whether a layer may be added for what is merged and repaired; absent: `allow`. */
  glue: v.optional(v.picklist(['allow', 'forbid'])),
});
export type StackedPlan = v.InferOutput<typeof stackedSchema>;
/** What a combination sets about how its components are combined. */
export type CombiningPlan = Pick<StackedPlan, 'config' | 'conflicts' | 'mergers' | 'glue'>;

export const imageSchema = v.variant('type', [layerSchema, debianSchema, stackedSchema]);
export type ImagePlan = v.InferOutput<typeof imageSchema>;

export const tarOptionsSchema = v.object({
  compression: v.optional(v.picklist(['zstd', 'gzip', 'none'])),
  /** zstd: 1 to 19, default 3; gzip: 1 to 9, default 6. */
  level: v.optional(integer(LIMITS.zstdLevel)),
});
export type TarOptions = v.InferOutput<typeof tarOptionsSchema>;

export const squashfsOptionsSchema = v.object({
  /** Append a dm-verity hash tree and annotate its root; default true. */
  verity: v.optional(v.boolean()),
  /** `legacy` writes the media type of stacker up to 1.0. */
  mediaType: v.optional(v.picklist(['current', 'legacy'])),
  /** zstd level, 1 to 11, default 3. */
  level: v.optional(integer(LIMITS.squashfsLevel)),
});
export type SquashfsOptions = v.InferOutput<typeof squashfsOptionsSchema>;

/** Limits from which on a deploy warns. */
export const limitsSchema = v.object({
  /** Filesystem layers of an image that its readers are known to mount; absent: 30. */
  filesystemLayers: v.optional(integer(LIMITS.filesystemLayers)),
});
export type LimitsPlan = v.InferOutput<typeof limitsSchema>;

/** `plan.json`: every image's full recipe, by construct path. */
export const planSchema = v.object({
  $schema: v.optional(v.string()),
  schemaVersion: v.literal(PLAN_SCHEMA_VERSION),
  /** The app's directory, relative to the directory that holds the plan; relative paths of the recipes start there. */
  directory: v.string(),
  /** Seconds since 1970 that stand for "now" in everything built; absent: SOURCE_DATE_EPOCH, else 1980-01-01. */
  epoch: v.optional(integer(LIMITS.epoch)),
  formats: v.array(layerFormatSchema),
  tar: v.optional(tarOptionsSchema),
  squashfs: v.optional(squashfsOptionsSchema),
  limits: v.optional(limitsSchema),
  images: v.record(v.string(), imageSchema),
});
export type Plan = v.InferOutput<typeof planSchema>;

/** One artifact of `manifest.json`. */
export const artifactSchema = v.object({
  type: v.picklist(['oci:image', 'stack:tree', 'stack:plan']),
  dependencies: v.optional(v.array(v.string())),
  file: v.optional(v.string()),
});

/** `manifest.json`: what is in the output directory. */
export const manifestSchema = v.object({
  $schema: v.optional(v.string()),
  schemaVersion: v.literal(PLAN_SCHEMA_VERSION),
  framework: v.object({ name: v.string(), version: v.string() }),
  artifacts: v.record(v.string(), artifactSchema),
});
export type AssemblyManifest = v.InferOutput<typeof manifestSchema>;

/** One node of `tree.json`. */
export interface TreeNode {
  readonly id: string;
  readonly path: string;
  readonly construct: string;
  readonly source?: string | undefined;
  readonly children?: readonly TreeNode[] | undefined;
}

export const treeNodeSchema: v.GenericSchema<TreeNode> = v.object({
  id: v.string(),
  path: v.string(),
  construct: v.string(),
  source: v.optional(v.string()),
  children: v.optional(v.array(v.lazy(() => treeNodeSchema))),
});

/** `tree.json`: the construct tree. */
export const treeSchema = v.object({
  $schema: v.optional(v.string()),
  schemaVersion: v.literal(PLAN_SCHEMA_VERSION),
  tree: treeNodeSchema,
});
export type TreeFile = v.InferOutput<typeof treeSchema>;
