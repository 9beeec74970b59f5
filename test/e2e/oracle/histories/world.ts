import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as library from '../../../../lib';
import { StackError } from '../../../../lib/core';
import { loadAssembly } from '../../../../lib/plan';
import { deploy, type DeployedImage } from '../../../../lib/toolkit';
import { gc } from '../../../../lib/toolkit/gc';
import { asRoot } from '../../as-root';
import { writeBusyboxTar } from '../../busybox';
import { makeApp, type AppModel } from './app';

/** What a deploy gave: digests by name and format, or the codes of its errors. */
export interface DeployOutcome {
  readonly digests: Readonly<Record<string, string>>;
  readonly errors: readonly string[];
  readonly messages: readonly string[];
}

/** How an app is deployed. */
export interface DeployHow {
  readonly store: string;
  readonly targets: readonly string[];
  /** Construct paths to build as if nothing of them were in the store. */
  readonly fresh?: readonly string[];
}

/** A directory with an app that changes, and stores beside it. */
export class HistoryWorld {
  public readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-history-'));
  public readonly directory = path.join(this.home, 'app');

  public constructor() {
    fs.mkdirSync(this.directory);
    writeBusyboxTar(path.join(this.directory, 'base.tar'), {
      files: { 'etc/conf': 'conf\n', 'data/one': 'one\n', 'data/two': 'two\n' },
    });
  }

  public remove(): void {
    asRoot('rm', '-rf', this.home);
  }

  public path(...parts: string[]): string {
    return path.join(this.home, ...parts);
  }

  /** Makes the user's files those of a model; what is the same is not touched. */
  public write({ files }: AppModel): void {
    for (const name of fs.readdirSync(this.directory)) {
      if (!/^src\d$/.test(name)) continue;
      for (const child of fs.readdirSync(path.join(this.directory, name), { recursive: true, encoding: 'utf8' })) {
        const file = path.join(this.directory, name, child);
        if (!fs.statSync(file).isDirectory() && files[`${name}/${child}`] === undefined) fs.rmSync(file);
      }
    }
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.directory, name);
      if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === content) continue;
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, content);
    }
    this.pruneEmpty();
  }

  /** Deploys a model in this process. Errors of the app or the build are part of the outcome; anything else is thrown. */
  public async deploy(model: AppModel, { store, targets, fresh = [] }: DeployHow): Promise<DeployOutcome> {
    return withStore(store, async () => {
      try {
        const { plan, directory } = makeApp(library, model, {
          directory: this.directory,
          outdir: this.path('synth.out'),
        }).synth();
        const assembly = await loadAssembly(directory);
        const images = Object.keys(plan.images);
        const { targets: deployed } = await deploy({ assembly, images, targets, fresh, listener: () => undefined });
        const all = deployed.map(({ target, images: found }) => digestsOf(target, found));
        for (const each of all) expect(each).toEqual(all[0]);
        return { digests: all[0] ?? {}, errors: [], messages: [] };
      } catch (error) {
        if (!StackError.is(error)) throw error;
        const errors = error.all();
        return { digests: {}, errors: errors.map(({ code }) => code), messages: errors.map(({ message }) => message) };
      }
    });
  }

  /** Deploys a model with a store and to a layout that did not exist before. */
  public async deployAfresh(model: AppModel): Promise<DeployOutcome> {
    const place = fs.mkdtempSync(this.path('fresh-'));
    try {
      return await this.deploy(model, { store: path.join(place, 'store'), targets: [`oci:${place}/oci`] });
    } finally {
      asRoot('rm', '-rf', place);
    }
  }

  /** Collects garbage in a store. @param keep bytes that may stay */
  public async collect(store: string, keep: number): Promise<void> {
    await withStore(store, () => gc({ keepStorage: keep }));
  }

  /** Empty directories would be part of imports, but are none of the model. */
  private pruneEmpty(): void {
    const visit = (directory: string): void => {
      for (const child of fs.readdirSync(directory, { withFileTypes: true })) {
        if (child.isDirectory()) visit(path.join(directory, child.name));
      }
      if (fs.readdirSync(directory).length === 0) fs.rmdirSync(directory);
    };
    for (const name of fs.readdirSync(this.directory)) {
      if (/^src\d$/.test(name)) visit(path.join(this.directory, name));
    }
  }
}

async function withStore<T>(store: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['STACK_HOME'];
  process.env['STACK_HOME'] = store;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['STACK_HOME'];
    else process.env['STACK_HOME'] = before;
  }
}

/** By name without the target: a registry has a tag where a layout has none. */
function digestsOf(target: string, images: readonly DeployedImage[]): Record<string, string> {
  const names = images.map(({ name, format, platform, index, digest }) => {
    return [`${name} ${format} ${platform}`, index ?? digest] as const;
  });
  expect(names.length === 0 || target !== '').toBe(true);
  return Object.fromEntries(names);
}
