import { Readable } from 'node:stream';
import { StackError, type Listener } from '../core';
import { ANNOTATION, verifiedBlob, type Descriptor, type Manifest } from '../oci';
import { encodeImage, Restacking, type BaseReference, type BuildContext, type EncodedImage } from '../build';
import { PLAN_SCHEMA_VERSION, type LayerFormat, type Plan } from '../plan';
import {
  componentsIn,
  findComponent,
  parseRecord,
  rebaseComponents,
  swapComponent,
  type CombinationRecord,
  type Component,
  type ImageLayer,
  type ImageVariant,
} from '../stack';
import { withBuild, type BuildOptions } from './build-context';
import { parsePlace } from './image-place';
import { openImage, type OpenedImage } from './opened-image';
import { preparePlacing, type PlacedImage } from './place-image';
import { rootOf, type StoredImage } from './stored-image';

/** Which combination to move to another base. */
export interface RebaseOptions {
  /** The combination: `docker://HOST/NAME[:TAG]` or `oci:DIR[:NAME]`. What comes out is published there. */
  readonly image: string;
  /** The image that takes the place, written in the same way. */
  readonly by: string;
  /** Where relative paths start. */
  readonly directory: string;
  /** Registry hosts that are spoken to without encryption; those on this machine are anyway. */
  readonly plainHttp?: readonly string[];
  /** Also when packages go away, or come in earlier versions. @default false */
  readonly allowDowngrade?: boolean;
  /** Tell what would be done, and publish nothing. @default false */
  readonly dryRun?: boolean;
  /** Is told what happens. */
  readonly listener: Listener;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
}

/** Which component of a combination to exchange. */
export interface SwapOptions extends RebaseOptions {
  /** Its name in the combination: the construct path it had. */
  readonly component: string;
}

/** An image as annotations name it. */
type Reference = Pick<BaseReference, 'digest' | 'name'>;

/** What takes whose place, and what comes of it. */
interface Exchange {
  readonly components: readonly Component[];
  readonly digests: ReadonlyMap<string, string>;
  /** The image that annotations call the base; undefined: the one they called so before. */
  readonly base?: Reference;
  /** How messages name the base. */
  readonly baseName: string;
  /** Images whose packages must still be there: what was, and what is in its place. */
  readonly replaced: readonly [before: ImageVariant, after: ImageVariant];
  /** A new base, whose packages the combination must have. */
  readonly newBase?: ImageVariant | undefined;
}

/** Everything that goes into the new combination. */
interface Parts {
  readonly original: OpenedImage;
  readonly other: OpenedImage;
  readonly record: CombinationRecord;
  readonly exchanged: Exchange;
}

/** Packages that are named in a message. */
const MAX_SHOWN = 20;

/**
 * Exchanges one component of a published combination, which knows what it consists of. The others are only listed again: their
 * blobs are read where nobody on this machine knows the paths in them, or where something is merged.
 * @throws StackError STACK5030 to STACK5033, STACK5001 to STACK5004 and whatever conflicts there are; STACK1006, STACK6001 to
 *   STACK6006, STACK6101 to STACK6115, STACK7001, STACK7002
 */
export async function swap(options: SwapOptions): Promise<PlacedImage> {
  return exchange(options, (original, record, other) => {
    const { component } = options;
    const { base, components } = componentsIn(record, original.variant, `'${original.name}'`);
    const before = findComponent(components, component).variant;
    const swapped = swapComponent(components, component, other, base);
    const digests = new Map([...digestsIn(record), [component, rootOf(other.stored).digest]]);
    const baseName = original.manifest.annotations?.[ANNOTATION.baseName] ?? 'the base';
    return { components: swapped, digests, baseName, replaced: [before, other.variant] };
  });
}

/**
 * Puts the components of a published combination on another base; their own layers stay as they are.
 * @throws StackError as {@link swap}
 */
export async function rebase(options: RebaseOptions): Promise<PlacedImage> {
  return exchange(options, (original, record, other) => {
    const { base: known, components } = componentsIn(record, original.variant, `'${original.name}'`);
    const before = referenceIn(original.manifest);
    const base = known && { ...known, ...(before === undefined ? {} : { reference: before }) };
    const after = { digest: rootOf(other.stored).digest, name: referenceOf(other) };
    const isBase = (component: string): boolean =>
      before !== undefined && digestsIn(record).get(component) === before.digest;
    const digests = [...digestsIn(record)].map(
      ([name, digest]) => [name, isBase(name) ? after.digest : digest] as const,
    );
    return {
      components: rebaseComponents(components, other, base, isBase),
      digests: new Map(digests),
      baseName: other.name,
      // Going back, it is called as it was.
      base: [before, ...ancestorsIn(record)].find((each) => each?.digest === after.digest) ?? after,
      replaced: [base ?? other.variant, other.variant],
      newBase: other.variant,
    };
  });
}

async function exchange(
  options: RebaseOptions,
  plan: (original: OpenedImage, record: CombinationRecord, other: OpenedImage) => Exchange,
): Promise<PlacedImage> {
  const { directory, dryRun = false } = options;
  const [place, by] = [parsePlace(options.image, directory), parsePlace(options.by, directory)];
  return withBuild({ ...options, assembly: noAssembly(directory) }, [], [], async (context) => {
    const original = await openImage(place, { ...context, platform: undefined });
    const other = await openImage(by, {
      ...context,
      platform: original.variant.platform,
      created: original.config.created,
    });
    const record = recordIn(original);
    refuseModules(record, original.name);
    requireFormat(original, other);
    const exchanged = plan(original, record, other);
    const created = Date.parse(original.config.created ?? '') / 1000;
    const epoch = Number.isNaN(created) ? context.epoch : created;
    const stored = await restack({ ...context, epoch }, options, { original, other, record, exchanged });
    const { result, execute } = await preparePlacing(place, stored, context);
    return dryRun ? result : await execute();
  });
}

async function restack(
  context: BuildContext,
  { allowDowngrade = false }: RebaseOptions,
  { original, other, record, exchanged }: Parts,
): Promise<StoredImage> {
  const sources = new Map(
    [other, original].flatMap(({ layers, stored }) =>
      layers.map(({ descriptor }) => [descriptor.digest, stored] as const),
    ),
  );
  const { components, digests, baseName, replaced, newBase } = exchanged;
  const { format } = original;
  const open = ({ descriptor }: ImageLayer): AsyncIterable<Buffer> =>
    (sources.get(descriptor.digest) ?? original.stored).open(descriptor);
  const base = baseOf(original.manifest, exchanged, format);
  const restacking = new Restacking(context, {
    name: original.name,
    format,
    components,
    digests,
    baseName,
    base,
    open,
  });
  if (!allowDowngrade) requireNoLoss(original.name, await restacking.packagesLost(...replaced));
  const built = await restacking.build({ ...record.how, annotations: annotationsOf(original.manifest) });
  if (newBase !== undefined && !allowDowngrade) {
    requireNoLoss(original.name, await restacking.basePackagesLost(newBase, built));
  }
  return storedImage(context, encodeImage(built, format, context.store, context.epoch), sources, original.stored);
}

/** The new combination: its layers are where they were, but for a glue layer, which is in the store. */
function storedImage(
  { store }: BuildContext,
  { manifest, document, blobs }: EncodedImage,
  sources: ReadonlyMap<string, StoredImage>,
  original: StoredImage,
): StoredImage {
  const made = new Map(blobs.map(({ descriptor, from }) => [descriptor.digest, from]));
  for (const digest of sources.keys()) made.delete(digest);
  const content = Buffer.from(made.get(manifest.digest) ?? '');
  const sourceOf = ({ digest }: Descriptor): StoredImage => sources.get(digest) ?? original;
  return {
    name: original.name,
    // With the one that is there already: that it is there tells that its blobs are.
    documents: [...original.documents, { descriptor: manifest, content, blobs: [document.config, ...document.layers] }],
    knownIn: (blob) => (made.has(blob.digest) ? [] : sourceOf(blob).knownIn(blob)),
    open: (blob) => {
      const from = made.get(blob.digest);
      if (from === undefined) return sourceOf(blob).open(blob);
      return typeof from === 'string' ? verifiedBlob(store.blobPath(blob.digest), blob) : Readable.from([from]);
    },
  };
}

function recordIn({ name, manifest }: OpenedImage): CombinationRecord {
  const record = manifest.annotations?.[ANNOTATION.components];
  if (record !== undefined) return parseRecord(record, `'${name}'`);
  throw new StackError('STACK5030', `'${name}' is no combination of components that cdk-stack made`, {
    hint: 'name the image of a StackedImage',
  });
}

/** What scripts of an app do is the app's: it is not here, and an image from elsewhere must not say what to run. */
function refuseModules({ how }: CombinationRecord, name: string): void {
  if (how.mergers === undefined || how.mergers.length === 0) return;
  throw new StackError('STACK5030', `'${name}' was combined with mergers of its app`, {
    hint: 'deploy the app instead',
  });
}

function requireNoLoss(name: string, lost: readonly string[]): void {
  if (lost.length === 0) return;
  const shown = `${lost.slice(0, MAX_SHOWN).join(', ')}${lost.length > MAX_SHOWN ? ', …' : ''}`;
  throw new StackError('STACK5033', `'${name}' would lose packages, or have earlier versions: ${shown}`, {
    hint: 'take a later image, or pass --allow-downgrade',
  });
}

function requireFormat(original: OpenedImage, other: OpenedImage): void {
  if (original.format === other.format || other.layers.length === 0) return;
  const message = `'${other.name}' has ${other.format} layers, and '${original.name}' ${original.format} layers`;
  throw new StackError('STACK5002', message, { hint: 'take the image in the format of the combination' });
}

function baseOf({ annotations }: Manifest, { base }: Exchange, format: LayerFormat): BaseReference | undefined {
  const known = referenceIn({ annotations });
  return known && { ...(base ?? known), format };
}

/** What annotations call the base. */
function referenceIn({ annotations }: Pick<Manifest, 'annotations'>): Reference | undefined {
  const digest = annotations?.[ANNOTATION.baseDigest];
  return digest === undefined ? undefined : { digest, name: annotations?.[ANNOTATION.baseName] };
}

function ancestorsIn({ ancestors = [] }: CombinationRecord): readonly Reference[] {
  return ancestors.flatMap(({ digest, name }) => (digest === undefined ? [] : [{ digest, name }]));
}

/** Those that the app gave it. */
function annotationsOf({ annotations = {} }: Manifest): Readonly<Record<string, string>> {
  const ours: readonly string[] = [ANNOTATION.components, ANNOTATION.baseDigest, ANNOTATION.baseName];
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !ours.includes(key)));
}

function digestsIn({ images }: CombinationRecord): ReadonlyMap<string, string> {
  return new Map(images.flatMap((image) => ('digest' in image ? [[image.name, image.digest]] : [])));
}

/** How others can name an image: not by a path on this machine. */
function referenceOf({ name }: OpenedImage): string | undefined {
  return name.startsWith('docker://') ? name.slice('docker://'.length) : undefined;
}

/** What is built here is no image of an app. */
function noAssembly(directory: string): BuildOptions['assembly'] {
  const plan: Plan = { schemaVersion: PLAN_SCHEMA_VERSION, directory: '.', formats: ['tar'], images: {} };
  return { plan, directory, output: directory };
}
