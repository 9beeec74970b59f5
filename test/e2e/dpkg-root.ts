import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot, statusAsRoot } from './as-root';
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
    return this.dpkg('--install', ...this.build(packages));
  }

  /** Installs packages even if dpkg refuses to; gives whether it did not. */
  public force(...packages: readonly TestPackage[]): boolean {
    const files = this.build(packages);
    const isAccepted = statusAsRoot('dpkg', ...this.options, '--install', ...files) === 0;
    if (!isAccepted) this.dpkg('--force-all', '--install', ...files);
    return isAccepted;
  }

  /** Runs dpkg, such as with `--purge NAME`. */
  public dpkg(...args: readonly string[]): this {
    asRoot('dpkg', ...this.options, ...args);
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

  /** Marks packages as apt-mark(8) does: `auto` or `manual`. */
  public aptMark(mark: string, ...names: readonly string[]): this {
    const state = this.path('var/lib/apt');
    fs.mkdirSync(state, { recursive: true });
    const options = [
      `Dir=${this.directory}/apt`,
      `Dir::State=${state}`,
      `Dir::State::status=${this.path('var/lib/dpkg/status')}`,
      'Dir::Cache::pkgcache=',
      'Dir::Cache::srcpkgcache=',
    ];
    asRoot('apt-mark', ...options.flatMap((each) => ['-o', each]), mark, ...names);
    return this;
  }

  /** Lets debconf load templates for a package, then do what `debconf-communicate` is told. */
  public debconf(owner: string, templates: string, ...commands: readonly string[]): this {
    const home = this.path('var/cache/debconf');
    fs.mkdirSync(home, { recursive: true });
    const database = (name: string): string =>
      `Name: ${name}\nDriver: File\nMode: 644\nFilename: ${home}/${name}.dat\n`;
    const files = {
      'debconf.conf': `Config: config\nTemplates: templates\n\n${database('config')}\n${database('templates')}`,
      templates,
      commands: [`X_LOADTEMPLATEFILE ${this.directory}/templates`, ...commands].map((each) => `${each}\n`).join(''),
    };
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(this.directory, name), content);
    const environment = `DEBIAN_FRONTEND=noninteractive DEBCONF_SYSTEMRC='${this.directory}/debconf.conf'`;
    asRoot('sh', '-ec', `export ${environment}; cd '${this.directory}'; debconf-communicate '${owner}' < commands`);
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

  private get options(): string[] {
    return [`--root=${this.path('')}`, '--log=/dev/null', '--force-unsafe-io'];
  }

  private build(packages: readonly TestPackage[]): string[] {
    for (const each of packages) this.debs.add(each);
    return packages.map((each) => this.debs.fileOf(each));
  }
}
