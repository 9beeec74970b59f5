import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StackError, writeFailure, writeFileAtomic, type RunResult } from '../../core';
import {
  formatProblem,
  parseArchives,
  parsePolicies,
  parseProblems,
  parseProviders,
  parseReleases,
  type AptArchive,
  type AptProblem,
  type PackagePolicy,
  type Release,
} from './apt-output';
import { aptConfig, preferences, sourcesFileName } from './apt-config';
import { runTool, type DebianTool } from './tools';

/** What decides a private apt environment. */
export interface AptOptions {
  /** Where its state is kept; may be used by several processes, but only for this architecture and these sources. */
  readonly directory: string;
  /** Debian's name of the architecture to resolve for. */
  readonly architecture: string;
  /** Text of source entries instead of the host's. */
  readonly sources?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Outcome of a command that may rightly fail. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly output: RunResult };

/** Milliseconds between tries, and tries, while another process updates the same lists. */
const LOCK_RETRY = 250;
const LOCK_TRIES = 480;

/**
 * The host's apt with private state and caches: needs no root, and leaves the host's own state alone.
 * It reads the host's configuration, sources and keys, and then sets what must not depend on the host.
 * No package is ever installed, so no script of a package runs.
 */
export class Apt {
  /**
   * Prepares an environment.
   * @throws StackError STACK7001, STACK7002 when its directory cannot be written
   */
  public static async prepare(options: AptOptions): Promise<Apt> {
    const { directory, sources } = options;
    try {
      for (const each of ['lists/partial', 'cache/archives/partial', 'sources.d', 'nothing.d']) {
        await fs.mkdir(path.join(directory, each), { recursive: true, mode: 0o700 });
      }
      await writeFileAtomic(path.join(directory, 'status'), '', 0o600);
      await writeFileAtomic(path.join(directory, 'apt.conf'), aptConfig(options), 0o600);
      if (sources !== undefined)
        await writeFileAtomic(path.join(directory, 'sources.d', sourcesFileName(sources)), sources, 0o600);
    } catch (error) {
      throw writeFailure('STACK7001', `apt's private state in '${directory}'`, error);
    }
    return new Apt(options);
  }

  private updated: Promise<readonly AptProblem[]> | undefined;

  private constructor(private readonly options: AptOptions) {}

  /** Where packages come from, for messages. */
  public get sourcesName(): string {
    return this.options.sources === undefined ? "the host's package sources" : "the image's 'sources'";
  }

  /**
   * Brings the package lists up to date, once however often it is called.
   *
   * A source that cannot be reached or verified is left out (or its last verified lists are kept), and told of in the result:
   * a host may have sources that have nothing to do with us. apt never uses what it could not verify.
   * @throws StackError STACK3011 when the sources cannot be read at all, STACK3013 when apt is not installed,
   * STACK7001 when another process does not let go of the lists
   */
  public update(): Promise<readonly AptProblem[]> {
    this.updated ??= this.updateLists();
    return this.updated;
  }

  /** What is known of packages by their names; unknown ones are not in it. */
  public async policies(names: readonly string[], suite?: string): Promise<Map<string, PackagePolicy>> {
    return parsePolicies(await this.query(['policy', ...names], suite));
  }

  /** The suites that the sources have. */
  public async releases(): Promise<readonly Release[]> {
    return parseReleases(await this.query(['policy']));
  }

  /** Names of the packages that provide a virtual one. */
  public async providers(name: string): Promise<readonly string[]> {
    return parseProviders(await this.query(['showpkg', name]));
  }

  /** Names of all packages. */
  public async names(): Promise<readonly string[]> {
    return (await this.query(['pkgnames'])).split('\n').filter((name) => name !== '');
  }

  /** The archives of packages and of all they depend on, as for a system where nothing is installed. Their sha256 may be missing. */
  public async closure(specs: readonly string[], suite?: string): Promise<Outcome<AptArchive[]>> {
    return this.list(['install', '--print-uris', '--yes', '--no-install-recommends', ...specs], suite);
  }

  /** The archives of exactly these packages. */
  public async archives(specs: readonly string[], suite?: string): Promise<Outcome<AptArchive[]>> {
    return this.list(['download', '--print-uris', ...specs], suite);
  }

  /** Downloads and verifies packages (`name=version`) into a directory, under the file names of {@link archives}. */
  public async download(specs: readonly string[], directory: string): Promise<Outcome<undefined>> {
    const output = await this.run('apt-get', ['download', ...specs], undefined, directory);
    return output.status === 0 ? { ok: true, value: undefined } : { ok: false, output };
  }

  private async updateLists(): Promise<readonly AptProblem[]> {
    for (let tries = 0; tries < LOCK_TRIES; tries += 1) {
      const { status, stderr } = await this.run('apt-get', ['update', '-o', 'Debug::NoLocking=false']);
      if (stderr.includes('Could not get lock')) {
        await delay(LOCK_RETRY, undefined, { signal: this.options.signal });
        continue;
      }
      const problems = parseProblems(stderr);
      const aboutSources = problems.length > 0 && problems.every(({ source }) => source !== undefined);
      if (status === 0 || aboutSources) return problems;
      throw new StackError(
        'STACK3011',
        `${this.sourcesName} cannot be used: ${problems.map(formatProblem).join('; ') || stderr.trim() || 'apt-get does not say why'}`,
        {
          hint:
            this.options.sources === undefined
              ? 'see that `apt-get update` works on this machine, or give the image `sources` of its own'
              : "see sources.list(5) for the two formats of 'sources'",
        },
      );
    }
    throw new StackError(
      'STACK7001',
      `another process has kept apt's private lists in '${this.options.directory}' locked for two minutes`,
      {
        hint: 'wait for the other deploy to end',
      },
    );
  }

  private async list(args: readonly string[], suite: string | undefined): Promise<Outcome<AptArchive[]>> {
    const output = await this.run('apt-get', args, suite);
    return output.status === 0 ? { ok: true, value: parseArchives(output.stdout) } : { ok: false, output };
  }

  private async query(args: readonly string[], suite?: string): Promise<string> {
    const { status, stdout, stderr } = await this.run('apt-cache', args, suite);
    if (status === 0) return stdout;
    throw new StackError(
      'STACK3011',
      `apt-cache ${args[0] ?? ''} failed: ${parseProblems(stderr).map(formatProblem).join('; ')}`,
    );
  }

  private async run(tool: DebianTool, args: readonly string[], suite?: string, cwd?: string): Promise<RunResult> {
    const { directory, signal } = this.options;
    // After the host's own configuration, whatever APT_CONFIG says: what is set last wins.
    const settings = [
      '-c',
      path.join(directory, 'apt.conf'),
      ...(suite === undefined ? [] : await this.preferring(suite)),
    ];
    const result = await runTool(tool, [...settings, '-q', ...args], { cwd: cwd ?? directory, signal });
    if (result.status !== 0 && /No space left on device|enough free space|Disk quota exceeded/.test(result.stderr)) {
      throw new StackError('STACK7002', `no space left for ${tool} ${args[0] ?? ''} in '${cwd ?? directory}'`, {
        hint: 'free some space, or set STACK_HOME to a directory on a larger file system',
      });
    }
    return result;
  }

  /** Options by which versions of a suite are preferred. The host's preferences then do not count. */
  private async preferring(suite: string): Promise<string[]> {
    const { directory } = this.options;
    const file = path.join(directory, `preferences-${encodeURIComponent(suite)}`);
    await writeFileAtomic(file, preferences(suite), 0o600);
    return [
      ...['-o', `Dir::Etc::preferences=${file}`],
      ...['-o', `Dir::Etc::preferencesparts=${path.join(directory, 'nothing.d')}`],
      ...['-o', 'APT::Default-Release='],
    ];
  }
}
