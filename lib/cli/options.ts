import type { LayerFormat } from '../plan';
import type { FormatTags, SandboxChoice } from '../toolkit';

/**
 * How a value is written and checked.
 * - `size`: text such as `20GB`, which becomes bytes; `duration`: such as `14d`, which becomes seconds
 * - `context`: `key=value` on the command line, an object in the file and in the environment
 */
type OptionType = 'boolean' | 'string' | 'integer' | 'size' | 'duration' | 'context';

/** One row of the option table. */
export interface OptionSpec {
  readonly type: OptionType;
  /** One-letter form, without the dash. */
  readonly short?: string;
  /** Name of the value in help texts. */
  readonly value?: string;
  /** May be given several times; a list in the file, comma-separated in the environment. */
  readonly repeatable?: true;
  readonly choices?: readonly string[];
  readonly minimum?: number;
  /** May stand alone, and means this value then; another is written behind `=`. */
  readonly alone?: string;
  readonly default?: boolean | string | number | readonly string[];
  /** Only on the command line; not in cdk-stack.json and not in the environment. */
  readonly flagOnly?: true;
  /** A file or a target (`oci:DIR`): relative to where it was written, so it is moved to the app's directory. */
  readonly place?: 'path' | 'target' | 'app';
  /** Sentence without a full stop. */
  readonly description: string;
}

const FORMATS = ['tar', 'squashfs'] as const satisfies readonly LayerFormat[];

const FORMAT_TAGS = ['suffix', 'index'] as const satisfies readonly FormatTags[];

/** What is asked about before it is published: tags that would name something else, or any change at all. */
const APPROVALS = ['never', 'broadening', 'any-change'] as const;

const SANDBOXES = ['auto', 'oci-runtime', 'unshare'] as const satisfies readonly SandboxChoice[];

/** How progress can be shown. */
const PROGRESS = ['auto', 'bar', 'plain', 'json', 'quiet'] as const;

/**
 * Every option of every command. This one table drives parsing, help, the keys of cdk-stack.json and its JSON schema,
 * the `STACK_*` variables, and the reference in docs/cli.md.
 */
export const OPTIONS = {
  app: {
    type: 'string',
    short: 'a',
    value: 'COMMAND|DIR',
    place: 'app',
    description: 'shell command that runs the app, or a directory it was synthesized to',
  },
  build: { type: 'string', value: 'COMMAND', description: 'shell command to run before the app, such as a type check' },
  context: {
    type: 'context',
    short: 'c',
    value: 'KEY=VALUE',
    repeatable: true,
    description:
      'value for the app; true, false, null, JSON objects and arrays, and numbers are what they are, all else is text',
  },
  contextString: {
    type: 'context',
    value: 'KEY=TEXT',
    repeatable: true,
    flagOnly: true,
    description: 'value for the app that stays text, whatever it looks like',
  },
  output: {
    type: 'string',
    short: 'o',
    value: 'DIR',
    default: 'synth.out',
    place: 'path',
    description: 'directory to synthesize to',
  },
  json: {
    type: 'boolean',
    short: 'j',
    default: false,
    description: 'print the result, or the error, as one JSON document',
  },
  verbose: { type: 'boolean', short: 'v', default: false, description: 'tell every step, one line each' },
  quiet: { type: 'boolean', short: 'q', default: false, description: 'show only warnings, errors and the result' },
  debug: {
    type: 'boolean',
    default: false,
    description: 'add stack traces to errors and creation traces to constructs',
  },
  color: { type: 'boolean', description: 'use colors; by default where the stream is a terminal' },
  progress: {
    type: 'string',
    value: 'HOW',
    choices: PROGRESS,
    default: 'auto',
    description: 'how to show progress; auto is bar on a terminal, else plain',
  },
  all: {
    type: 'boolean',
    default: false,
    flagOnly: true,
    description: 'every image of the app, as when none is named; of gc: everything in the local store',
  },
  format: {
    type: 'string',
    value: 'FORMAT',
    repeatable: true,
    choices: FORMATS,
    description: "layer format, instead of the app's own",
  },
  to: {
    type: 'string',
    value: 'TARGET',
    repeatable: true,
    default: ['oci:./oci'],
    place: 'target',
    description: 'where images are published: oci:DIR is an OCI layout, docker://HOST/PREFIX a registry',
  },
  plainHttp: {
    type: 'string',
    value: 'HOST',
    repeatable: true,
    description: 'registry to speak to without encryption; those on this machine are anyway',
  },
  platform: {
    type: 'string',
    value: 'PLATFORM',
    flagOnly: true,
    description: 'only the image for it, such as linux/arm64, out of several; by default all',
  },
  tag: { type: 'string', value: 'TAG', repeatable: true, description: 'tag for images that declare none' },
  formatTags: {
    type: 'string',
    value: 'HOW',
    choices: FORMAT_TAGS,
    default: 'suffix',
    description: 'tags of images in several formats: one for each, such as latest-squashfs, or one index for all',
  },
  requireApproval: {
    type: 'string',
    value: 'WHEN',
    choices: APPROVALS,
    default: 'never',
    description: 'ask before publishing: where a tag would move to another image, or for any change',
  },
  yes: { type: 'boolean', short: 'y', default: false, flagOnly: true, description: 'approve without being asked' },
  allowDowngrade: {
    type: 'boolean',
    default: false,
    flagOnly: true,
    description: 'also when packages go away, or come in earlier versions',
  },
  dryRun: { type: 'boolean', default: false, description: 'tell what would be done, and do nothing' },
  outputsFile: {
    type: 'string',
    value: 'FILE',
    place: 'path',
    description: 'write the digest of every published image to a JSON file',
  },
  concurrency: {
    type: 'integer',
    value: 'N',
    minimum: 1,
    description: 'images to build at a time; by default one per processor, at most 4',
  },
  frozen: {
    type: 'boolean',
    default: false,
    description: 'fail where the lock file lacks an entry, instead of adding it',
  },
  noCache: {
    type: 'string',
    value: 'IMAGE',
    repeatable: true,
    alone: '**',
    flagOnly: true,
    description: 'build an image, or all of them, as if nothing of it were in the store',
  },
  sandbox: {
    type: 'string',
    value: 'WHICH',
    choices: SANDBOXES,
    default: 'auto',
    description: 'what scripts run in: crun or runc, util-linux alone, or the first of them that works',
  },
  shellOnFailure: {
    type: 'boolean',
    default: false,
    flagOnly: true,
    description: 'open a shell in the sandbox of a script that fails',
  },
  requireHash: {
    type: 'boolean',
    default: false,
    description: 'refuse URLs that the app uses without a sha256',
  },
  keepStorage: {
    type: 'size',
    value: 'SIZE',
    description: 'bytes that may stay in the local store, such as 20GB or 512MiB',
  },
  olderThan: {
    type: 'duration',
    value: 'AGE',
    description:
      'how long something must not have been used, such as 14d or 12h; by default 14d without --keep-storage',
  },
} as const satisfies Record<string, OptionSpec>;

/** Name of an option: its key in cdk-stack.json. */
export type OptionName = keyof typeof OPTIONS;

type TypeNamed<T extends OptionType> = {
  boolean: boolean;
  integer: number;
  size: number;
  duration: number;
  string: string;
  context: Readonly<Record<string, unknown>>;
}[T];
type One<S extends { type: OptionType }> = S extends { choices: readonly (infer Choice)[] }
  ? Choice
  : TypeNamed<S['type']>;
type Given<S extends { type: OptionType }> = S extends { type: 'context' }
  ? One<S>
  : S extends { repeatable: true }
    ? readonly One<S>[]
    : One<S>;
type Value<S extends OptionSpec> = S extends { default: unknown } | { type: 'context' }
  ? Given<S>
  : Given<S> | undefined;

/** The value of every option, typed by the table. What has no default may be undefined; context is an object, maybe empty. */
export type OptionValues = { readonly [N in OptionName]: Value<(typeof OPTIONS)[N]> };

/** Options that every command has. */
export const GLOBAL_OPTIONS = [
  'app',
  'build',
  'context',
  'contextString',
  'output',
  'json',
  'verbose',
  'quiet',
  'debug',
  'color',
  'progress',
] as const satisfies readonly OptionName[];

/** One command. */
export interface CommandSpec {
  /** Positional arguments in commander's notation; none when absent. */
  readonly arguments?: string;
  readonly argumentDescription?: string;
  /** Sentence without a full stop. */
  readonly description: string;
  readonly options: readonly OptionName[];
}

const SELECTION = 'path, name, id or glob of images; !PATTERN leaves out';

/** Every command. */
export const COMMANDS = {
  synth: {
    arguments: '[image...]',
    argumentDescription: SELECTION,
    description: 'run the app and write its plan',
    options: ['all', 'requireHash'],
  },
  ls: {
    arguments: '[image...]',
    argumentDescription: SELECTION,
    description: 'list the images of the app, in build order',
    options: ['all'],
  },
  deploy: {
    arguments: '[image...]',
    argumentDescription: SELECTION,
    description: 'build images and publish them; what has not changed is left alone',
    options: [
      'all',
      'format',
      'to',
      'plainHttp',
      'tag',
      'formatTags',
      'requireApproval',
      'yes',
      'dryRun',
      'outputsFile',
      'concurrency',
      'frozen',
      'requireHash',
      'noCache',
      'sandbox',
      'shellOnFailure',
    ],
  },
  inspect: {
    arguments: '<image>',
    argumentDescription: 'path, name or id of one image',
    description: 'show the manifest and config of a published image',
    options: ['format', 'to', 'plainHttp'],
  },
  conflicts: {
    arguments: '<image>',
    argumentDescription: 'path, name or id of one combined image',
    description: 'build the components of an image and tell where they contradict each other',
    options: ['concurrency', 'frozen', 'requireHash', 'noCache', 'sandbox', 'plainHttp'],
  },
  explain: {
    arguments: '<image> [path]',
    argumentDescription: 'path, name or id of one image; absolute path in it, a glob, or / for everything',
    description:
      'tell which components and layers of an image have a path, who provides what a glob matches, or which images set the fields of its config',
    options: ['concurrency', 'frozen', 'requireHash', 'noCache', 'sandbox', 'plainHttp'],
  },
  shell: {
    arguments: '<image> [command...]',
    argumentDescription: 'path, name or id of one image; behind -- a command instead of a shell',
    description: 'open a shell in a throw-away copy of an image',
    options: ['concurrency', 'frozen', 'requireHash', 'noCache', 'sandbox', 'plainHttp'],
  },
  copy: {
    arguments: '<from> <to>',
    argumentDescription: 'docker://HOST/NAME:TAG or oci:DIR:NAME; the same',
    description: 'copy an image, as it is, between registries and OCI layouts; works in any directory',
    options: ['platform', 'dryRun', 'plainHttp'],
  },
  swap: {
    arguments: '<image> <exchange>',
    argumentDescription: 'docker://HOST/NAME:TAG or oci:DIR:NAME of a combination; COMPONENT=REFERENCE',
    description: 'exchange a component of a published combination; works in any directory',
    options: ['allowDowngrade', 'dryRun', 'plainHttp'],
  },
  rebase: {
    arguments: '<image> <base>',
    argumentDescription: 'docker://HOST/NAME:TAG or oci:DIR:NAME of a combination; the same of the new base',
    description: 'put the components of a published combination on another base; works in any directory',
    options: ['allowDowngrade', 'dryRun', 'plainHttp'],
  },
  pull: {
    arguments: '[image...]',
    argumentDescription: SELECTION,
    description: 'bring what images use from outside into the local store, so that building them needs no network',
    options: ['all', 'frozen', 'requireHash', 'plainHttp'],
  },
  update: {
    arguments: '[reference...]',
    argumentDescription: 'references of images, URLs and names of Debian packages; by default all that the app uses',
    description: 'look up what tags, URLs and packages stand for now, and write it to the lock file',
    options: ['dryRun', 'frozen', 'plainHttp'],
  },
  gc: {
    description: 'remove from the local store what was not used for long; it is made again when it is needed',
    options: ['all', 'keepStorage', 'olderThan', 'dryRun'],
  },
} as const satisfies Record<string, CommandSpec>;

/** Name of a command. */
export type CommandName = keyof typeof COMMANDS;

/** All options, in table order. */
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** The row of an option, without its literal types. */
export function optionSpec(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

/** `outputsFile` → `--outputs-file`. */
export function flagOf(name: OptionName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** How an option is written, as help and reference show it: `-o, --output DIR`, `--no-cache[=IMAGE]`. */
export function usageOf(name: OptionName): string {
  const { short, type, value = 'VALUE', alone } = optionSpec(name);
  const flags = `${short === undefined ? '' : `-${short}, `}${flagOf(name)}`;
  if (type === 'boolean') return flags;
  return alone === undefined ? `${flags} ${value}` : `${flags}[=${value}]`;
}

/** `outputsFile` → `STACK_OUTPUTS_FILE`. */
export function variableOf(name: OptionName): string {
  return `STACK_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Options that cdk-stack.json and the environment can set. */
export function settableNames(): readonly OptionName[] {
  return OPTION_NAMES.filter((name) => optionSpec(name).flagOnly !== true);
}

/** What the option takes by default and may take, as help and reference add it to the description. */
export function optionNotes(name: OptionName): string {
  const spec = optionSpec(name);
  const notes = [
    ...(spec.choices === undefined ? [] : [`one of ${spec.choices.join(', ')}`]),
    ...(spec.default === undefined || typeof spec.default === 'boolean'
      ? []
      : [`default ${[spec.default].flat().join(', ')}`]),
    ...(spec.repeatable === true ? ['repeatable'] : []),
  ];
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`;
}
