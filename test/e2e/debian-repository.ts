import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** A package to put into a repository; `files` are contents by path. */
export interface TestPackage {
  readonly name: string;
  readonly version?: string;
  readonly architecture?: string;
  /** More fields of the control file, such as Depends. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Maintainer scripts by name. */
  readonly scripts?: Readonly<Record<string, string>>;
}

/** Packages that were built before in this process: building one takes longer than most tests. */
const built = new Map<string, Buffer>();

/** A Debian repository in a directory, made of tiny packages, that apt reads without any network. */
export class DebianRepository {
  private readonly stanzas: string[] = [];

  public constructor(private readonly directory: string) {
    fs.mkdirSync(path.join(directory, 'pool'), { recursive: true });
  }

  /** One-line source entry for it. */
  public get sources(): string {
    return `deb [trusted=yes] file:${this.directory} ./\n`;
  }

  /** Builds a package and lists it. `lie` changes what the list says of it. */
  public add(testPackage: TestPackage, lie: (stanza: string) => string = (stanza) => stanza): this {
    const file = this.build(testPackage);
    const content = fs.readFileSync(path.join(this.directory, file));
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.stanzas.push(
      lie(`${controlOf(testPackage)}Filename: ./${file}\nSize: ${String(content.length)}\nSHA256: ${sha256}\n`),
    );
    return this;
  }

  /** Takes back what was listed of a package; its files stay. */
  public remove(name: string): this {
    const kept = this.stanzas.filter((stanza) => !stanza.startsWith(`Package: ${name}\n`));
    this.stanzas.splice(0, this.stanzas.length, ...kept);
    return this;
  }

  /** Path of a package's file. */
  public fileOf({ name, version = '1.0', architecture = 'all' }: TestPackage): string {
    return path.join(this.directory, 'pool', `${name}_${version.replace(':', '%3a')}_${architecture}.deb`);
  }

  /** Writes the list as a flat repository. */
  public publish(): this {
    fs.writeFileSync(path.join(this.directory, 'Packages'), this.stanzas.join('\n'));
    return this;
  }

  /** Writes the list as a suite of a repository with a pool; gives its source entry, in the deb822 format. */
  public publishSuite(suite: string, codename: string, options = ''): string {
    const home = path.join(this.directory, 'dists', codename);
    const lists = this.stanzas.join('\n');
    const sha256 = createHash('sha256').update(lists).digest('hex');
    const files = ['all', 'amd64', 'arm64'].map((architecture) => `main/binary-${architecture}/Packages`);
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(home, file)), { recursive: true });
      fs.writeFileSync(path.join(home, file), lists);
    }
    const sums = files.map((file) => ` ${sha256} ${String(lists.length)} ${file}`).join('\n');
    const release = `Suite: ${suite}\nCodename: ${codename}\nArchitectures: amd64 arm64\nComponents: main\n${options}SHA256:\n${sums}\n`;
    fs.writeFileSync(path.join(home, 'Release'), release);
    return `Types: deb\nURIs: file:${this.directory}\nSuites: ${codename}\nComponents: main\nTrusted: yes\n\n`;
  }

  private build(testPackage: TestPackage): string {
    const file = this.fileOf(testPackage);
    const key = JSON.stringify(testPackage);
    const known = built.get(key);
    if (known === undefined) {
      pack(testPackage, path.join(this.directory, 'root'), file);
      built.set(key, fs.readFileSync(file));
    } else {
      fs.writeFileSync(file, known);
    }
    return path.relative(this.directory, file);
  }
}

function pack(testPackage: TestPackage, root: string, file: string): void {
  const { files = {}, scripts = {} } = testPackage;
  write(path.join(root, 'DEBIAN/control'), controlOf(testPackage), 0o644);
  for (const [name, script] of Object.entries(scripts)) write(path.join(root, 'DEBIAN', name), script, 0o755);
  for (const [name, content] of Object.entries(files)) write(path.join(root, name), content, 0o644);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', root, file], { stdio: 'pipe' });
  fs.rmSync(root, { recursive: true });
}

function write(file: string, content: string, mode: number): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  fs.writeFileSync(file, content, { mode });
}

function controlOf({ name, version = '1.0', architecture = 'all', fields = {} }: TestPackage): string {
  const more = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
  return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: Test <test@example.org>\n${more.join('')}Description: test\n`;
}
