import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import {
  buildImages,
  Downloads,
  HostFiles,
  LayoutImages,
  RegistryImages,
  type BuildContext,
  type BuiltImages,
  type DebianSource,
} from '../../lib/build';
import { layerDelta } from '../../lib/build/layer-delta';
import type { Delta, KnownDelta } from '../../lib/build/delta';
import type { StackEvent } from '../../lib/core';
import { treeDigest, type Entry, type Tree } from '../../lib/pack';
import {
  LockFile,
  order,
  PLAN_SCHEMA_VERSION,
  type ImagePlan,
  type ImportPlan,
  type LayerFormat,
  type LayerPlan,
  type Plan,
} from '../../lib/plan';
import { Registry } from '../../lib/registry';
import { Store } from '../../lib/store';

export const EPOCH = 1_000_000_000;

/** A fake of what gets Debian packages: an image of them is as controllable as this function. */
export type Provide = DebianSource['provide'];

/** What a plan is made of; everything has a default. */
export interface Recipe {
  readonly images: Readonly<Record<string, ImagePlan>>;
  readonly plan?: Partial<Plan>;
  readonly formats?: readonly LayerFormat[];
  readonly concurrency?: number;
  readonly provide?: Provide;
  readonly signal?: AbortSignal;
  readonly epoch?: number;
  /** Images to build as if nothing of them were in the store. */
  readonly fresh?: readonly string[];
  readonly frozen?: boolean;
  readonly onEvent?: (event: StackEvent) => void;
}

/** An app's directory with a store, in a temporary place. */
export class Workshop {
  public readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'build-'));
  /** The app's. */
  public readonly directory = path.join(this.home, 'app');
  public readonly events: StackEvent[] = [];
  /** Later than everything that was written, so that what is hashed is remembered. */
  private lookedAt = Date.now() + 60_000;
  private readonly clients: Registry[] = [];

  public constructor() {
    fs.mkdirSync(this.directory);
  }

  /** Closes the clients of registries that builds have used. */
  public async close(): Promise<void> {
    for (const client of this.clients.splice(0)) await client.close();
  }

  public remove(): void {
    fs.rmSync(this.home, { recursive: true, force: true });
  }

  public path(...parts: string[]): string {
    return path.join(this.directory, ...parts);
  }

  /** Writes files; a name that ends with a slash is a directory. */
  public write(files: Readonly<Record<string, string | Buffer>>): void {
    for (const [name, content] of Object.entries(files)) {
      const file = this.path(name);
      fs.mkdirSync(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
      if (!name.endsWith('/')) fs.writeFileSync(file, content);
    }
  }

  /** As if the next build looked at everything right now. */
  public lookNow(): void {
    this.lookedAt = Date.now();
  }

  public async context(recipe: Recipe = { images: {} }): Promise<BuildContext> {
    const store = await Store.open(path.join(this.home, 'store'));
    const plan: Plan = {
      schemaVersion: PLAN_SCHEMA_VERSION,
      directory: '.',
      formats: ['tar'],
      images: recipe.images,
      ...recipe.plan,
    };
    const provide: Provide = recipe.provide ?? (() => Promise.reject(new Error('no packages here')));
    const listener = (event: StackEvent): void => {
      this.events.push(event);
      recipe.onEvent?.(event);
    };
    const registry = this.registryOnce();
    const lockFile = await LockFile.load(this.directory);
    const sources = {
      store,
      lockFile,
      registry,
      listener,
      frozen: recipe.frozen ?? false,
      signal: recipe.signal,
    };
    const clock = jest.spyOn(Date, 'now').mockReturnValue(this.lookedAt);
    try {
      return {
        plan,
        directory: this.directory,
        outputs: [this.path('oci'), this.path('synth.out')],
        store,
        lockFile,
        hostFiles: await HostFiles.load(store, this.directory),
        debian: { provide } as unknown as DebianSource,
        isFresh: (image) => recipe.fresh?.includes(image) ?? false,
        downloads: new Downloads({ ...sources, limits: { backoff: 1 } }),
        registry,
        layoutImages: new LayoutImages({ store, directory: this.directory, signal: recipe.signal }),
        registryImages: new RegistryImages(sources),
        sandbox: () => Promise.reject(new Error('no sandbox here')),
        epoch: recipe.epoch ?? EPOCH,
        listener,
        signal: recipe.signal,
      };
    } finally {
      clock.mockRestore();
    }
  }

  /** A client that knows no credentials and does not wait long. */
  private registryOnce(): () => Registry {
    let made: Registry | undefined;
    return () => {
      if (made === undefined) {
        made = new Registry({ env: {}, retry: { attempts: 3, minDelay: 1, maxDelay: 5 } });
        this.clients.push(made);
      }
      return made;
    };
  }

  /** Builds images, all of them published. The events are those of this build alone. */
  public async build(recipe: Recipe): Promise<BuiltImages> {
    this.events.length = 0;
    const context = await this.context(recipe);
    return buildImages(context, {
      order: order(context.plan),
      formatsOf: (image) => (context.plan.images[image]?.buildOnly === true ? [] : (recipe.formats ?? ['tar'])),
      concurrency: recipe.concurrency ?? 2,
    });
  }

  /** The tree that imports make on a base. */
  public async imports(
    imports: readonly ImportPlan[],
    base: Tree = [],
    images: Readonly<Record<string, Tree>> = {},
  ): Promise<Tree> {
    return (await (await this.delta(imports, base, images))?.tree()) ?? [];
  }

  public async delta(
    imports: readonly ImportPlan[],
    base: Tree = [],
    images: Readonly<Record<string, Tree>> = {},
  ): Promise<Delta | undefined> {
    const deltas = new Map(Object.entries(images).map(([image, tree]) => [image, [deltaOf(tree)]]));
    const files = (image: string): readonly KnownDelta[] => deltas.get(image) ?? [];
    return layerDelta(
      await this.context(),
      'x',
      layer({ imports: [...imports] }),
      base.length === 0 ? [] : [deltaOf(base)],
      files,
    );
  }
}

/** A delta whose tree is at hand. */
export function deltaOf(tree: Tree): KnownDelta {
  return { contentKey: treeDigest(tree) ?? '', createdBy: 'a test', tree: () => Promise.resolve(tree) };
}

export function layer(changes: Partial<LayerPlan> = {}): LayerPlan {
  return { type: 'layer', name: 'x', buildOnly: false, from: { type: 'scratch' }, imports: [], ...changes };
}

export function stacked(...components: readonly string[]): Extract<ImagePlan, { type: 'stacked-image' }> {
  return { type: 'stacked-image', name: 'x', buildOnly: false, components: [...components] };
}

export function debian(changes: Partial<Extract<ImagePlan, { type: 'debian-packages' }>> = {}): ImagePlan {
  return { type: 'debian-packages', name: 'x', buildOnly: false, packages: ['x'], dependencies: 'none', ...changes };
}

/** An import of the user's files. */
export function hostImport(source: string, dest: string, how: Partial<ImportPlan> = {}): ImportPlan {
  return { source: { type: 'path', path: source }, dest, ...how };
}

/** An import from the web. */
export function urlImport(url: string, dest: string, how: Partial<ImportPlan> = {}): ImportPlan {
  return { source: { type: 'url', url }, dest, ...how };
}

/** An import from another image. */
export function imageImport(image: string, source: string, dest: string, how: Partial<ImportPlan> = {}): ImportPlan {
  return { source: { type: 'image-file', image, path: source }, dest, ...how };
}

const METADATA = { uid: 0, gid: 0, mtime: 5 };

export function directory(at: string, changes: object = {}): Entry {
  return { type: 'directory', path: at, mode: 0o755, ...METADATA, ...changes };
}

export function textFile(at: string, text: string, changes: object = {}): Entry {
  const content = { kind: 'bytes', bytes: Buffer.from(text) } as const;
  return { type: 'file', path: at, mode: 0o644, ...METADATA, size: content.bytes.length, content, ...changes };
}

export function link(at: string, target: string, changes: object = {}): Entry {
  return { type: 'symlink', path: at, mode: 0o777, ...METADATA, target, ...changes };
}

export function hardlink(at: string, target: string, changes: object = {}): Entry {
  return { type: 'hardlink', path: at, mode: 0o644, ...METADATA, target, ...changes };
}

/** A tree in short: a line an entry, with what it is. */
export function outline(tree: Tree): string[] {
  return tree.map((entry) => {
    if (entry.type === 'directory') return `${entry.path}/`;
    if (entry.type === 'symlink') return `${entry.path} -> ${entry.target}`;
    if (entry.type === 'hardlink') return `${entry.path} => ${entry.target}`;
    return entry.type === 'file' ? `${entry.path}: ${textOf(entry)}` : `${entry.path} (${entry.type})`;
  });
}

function textOf({ content }: Extract<Entry, { type: 'file' }>): string {
  if (content.kind === 'bytes') return content.bytes.toString();
  return content.kind === 'host' ? fs.readFileSync(content.file, 'utf8') : `at ${String(content.offset)}`;
}

export function entryAt(tree: Tree, at: string): Entry {
  const found = tree.find((entry) => entry.path === at);
  if (found === undefined) throw new Error(`there is no '${at}' in ${outline(tree).join(', ')}`);
  return found;
}
