import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { DebianRepository, type TestPackage } from './debian-repository';

/** A directory that dpkg installs packages into. */
export class DpkgRoot {
  private readonly debs: DebianRepository;

  public constructor(public readonly directory: string) {
    fs.mkdirSync(path.join(directory, 'debs'), { recursive: true });
    this.debs = new DebianRepository(path.join(directory, 'debs'));
  }

  /** A new one, of a package database that is empty. */
  public static create(): DpkgRoot {
    const root = new DpkgRoot(fs.mkdtempSync(path.join(os.tmpdir(), 'dpkg-')));
    for (const each of ['info', 'updates', 'triggers'])
      fs.mkdirSync(root.path(`var/lib/dpkg/${each}`), { recursive: true });
    fs.writeFileSync(root.path('var/lib/dpkg/status'), '');
    return root;
  }

  /** One of the same content. */
  public copy(): DpkgRoot {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'dpkg-'));
    asRoot('cp', '-a', `${this.directory}/.`, directory);
    return new DpkgRoot(directory);
  }

  public remove(): void {
    asRoot('rm', '-rf', this.directory);
  }

  public install(...packages: readonly TestPackage[]): this {
    for (const each of packages) this.debs.add(each);
    return this.dpkg('--install', ...packages.map((each) => this.debs.fileOf(each)));
  }

  /** Runs dpkg, such as with `--purge NAME`. */
  public dpkg(...args: readonly string[]): this {
    asRoot('dpkg', `--root=${this.path('')}`, '--log=/dev/null', '--force-unsafe-io', ...args);
    return this;
  }

  /** Marks a package, such as with `hold`. */
  public select(name: string, selection: string): this {
    const command = `echo '${name} ${selection}' | dpkg --admindir='${this.path('var/lib/dpkg')}' --set-selections`;
    asRoot('sh', '-c', command);
    return this;
  }

  /** Runs another tool of dpkg's on its database. */
  public tool(name: string, ...args: readonly string[]): this {
    asRoot(name, `--admindir=${this.path('var/lib/dpkg')}`, ...args);
    return this;
  }

  /** Files below a directory, by their paths in it. */
  public files(directory: string): Record<string, Buffer> {
    const list = asRoot('find', this.path(directory), '-type', 'f').split('\n').filter(Boolean);
    return Object.fromEntries(list.map((each) => [path.relative(this.path(''), each), fs.readFileSync(each)]));
  }

  /** Where something is outside. */
  public path(inside: string): string {
    return path.join(this.directory, 'root', inside);
  }
}
