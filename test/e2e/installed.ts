import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot, commandAs, give, type User } from './as-root';

const ROOT = path.resolve(__dirname, '../..');

/** Packs the repository and installs the tarball; gives the directory whose node_modules has it. */
export function installPackage(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-installed-'));
  fs.chmodSync(directory, 0o755);
  const options = { cwd: directory, encoding: 'utf8' } as const;
  const packed = execFileSync(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory, ROOT],
    options,
  );
  fs.writeFileSync(path.join(directory, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--prefer-offline', `./${packed.trim()}`], options);
  return directory;
}

/** An app in a temporary directory, with the installed package and a store of its own. */
export class Project {
  /** @param app the app's JavaScript; `files` by relative path; `place` where its directory is made */
  public static create(app: string, files: Readonly<Record<string, string>> = {}, place = os.tmpdir()): Project {
    const installed = process.env['CDK_STACK_INSTALLED'];
    if (installed === undefined) throw new Error('the end-to-end setup did not run');
    const home = fs.mkdtempSync(path.join(place, 'cdk-stack-e2e-'));
    const directory = path.join(home, 'app');
    fs.mkdirSync(directory);
    fs.symlinkSync(path.join(installed, 'node_modules'), path.join(directory, 'node_modules'));
    const project = new Project(home, directory);
    project.write({ 'cdk-stack.json': '{ "app": "node app.js" }', 'app.js': app, ...files });
    return project;
  }

  private constructor(
    /** Holds the app and the store; removed at the end. */
    public readonly home: string,
    public readonly directory: string,
  ) {}

  public get store(): string {
    return path.join(this.home, 'store');
  }

  public path(...parts: string[]): string {
    return path.join(this.directory, ...parts);
  }

  public write(files: Readonly<Record<string, string | Buffer>>): void {
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(this.path(name)), { recursive: true });
      fs.writeFileSync(this.path(name), content);
    }
  }

  /** Runs `stack`; never throws. */
  public stack(args: readonly string[], options: RunOptions = {}): Outcome {
    const env = this.environment(options);
    const command = [...(options.under ?? []), ...this.command(args)];
    const { user } = options;
    const [program = '', ...rest] = user === undefined ? command : commandAs(user, env, command);
    const { status, signal, stdout, stderr } = spawnSync(program, rest, {
      cwd: this.directory,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      ...(user === undefined ? { env } : {}),
    });
    return { status: status ?? signal ?? 'none', stdout, stderr };
  }

  /** Gives everything to a user; it can be read as before. */
  public handOver(user: User): void {
    fs.chmodSync(this.home, 0o755);
    give(this.home, user);
  }

  /** Starts `stack`. */
  public start(args: readonly string[], { env }: Pick<RunOptions, 'env'> = {}): Running {
    const [program = '', ...rest] = this.command(args);
    const child = spawn(program, rest, {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.environment({ env }),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Outcome>((resolve) => {
      child.once('close', (status, signal) => {
        resolve({ status: status ?? signal ?? 'none', stdout, stderr });
      });
    });
    return { child, ended };
  }

  private command(args: readonly string[]): readonly string[] {
    return [process.execPath, this.path('node_modules/cdk-stack/bin/stack'), ...args];
  }

  private environment({ env = {} }: Pick<RunOptions, 'env'>): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: this.home, STACK_HOME: this.store, ...env };
  }

  public layout(name = 'oci'): Layout {
    return new Layout(this.path(name));
  }

  public remove(): void {
    asRoot('rm', '-rf', this.home);
  }
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly user?: User;
  /** A command that runs the command it is given. */
  readonly under?: readonly string[];
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
}

/** How a command ended. */
export interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: object;
}

interface Manifest {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: object;
}

/** Name, inode, size and times of everything below a directory. */
export function stateOf(directory: string): string {
  return execFileSync('find', [directory, '-printf', '%P %y %i %s %T@ %C@\n'], { encoding: 'utf8' });
}

/** Reads an OCI layout, independently of the code under test. */
export class Layout {
  public constructor(public readonly directory: string) {}

  public get indexText(): string {
    return fs.readFileSync(path.join(this.directory, 'index.json'), 'utf8');
  }

  public get index(): {
    readonly schemaVersion: number;
    readonly mediaType: string;
    readonly manifests: readonly Descriptor[];
  } {
    return JSON.parse(this.indexText) as never;
  }

  public names(): (string | undefined)[] {
    return this.index.manifests.map((entry) => entry.annotations?.['org.opencontainers.image.ref.name']);
  }

  public manifest(name: string): Manifest {
    const entry = this.index.manifests.find((each) => each.annotations?.['org.opencontainers.image.ref.name'] === name);
    if (entry === undefined) throw new Error(`no image ${name}`);
    return this.json(entry.digest);
  }

  public json<T>(digest: string): T {
    return JSON.parse(fs.readFileSync(this.blob(digest), 'utf8')) as T;
  }

  public blob(digest: string): string {
    return path.join(this.directory, 'blobs', ...digest.split(':'));
  }

  /** Digests of the blobs that are there. */
  public blobs(): string[] {
    return fs
      .readdirSync(path.join(this.directory, 'blobs/sha256'))
      .map((name) => `sha256:${name}`)
      .sort();
  }

  /** Digests of the blobs that the manifests reference. */
  public referenced(): string[] {
    const found = new Set<string>();
    for (const { digest } of this.index.manifests) {
      const { config, layers } = this.json<Manifest>(digest);
      for (const each of [digest, config.digest, ...layers.map((layer) => layer.digest)]) found.add(each);
    }
    return [...found].sort();
  }

  /** To tell whether anything was written. */
  public state(): string {
    return stateOf(this.directory);
  }
}
