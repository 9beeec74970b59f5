import { didYouMean, StackError } from '../../core';
import type { LockedPackage } from '../../plan';
import type { Apt } from './apt';
import { formatProblem, parseConflicts, type AptArchive, type AptProblem, type PackagePolicy } from './apt-output';
import { formatSpec, type PackageRequest, type PackageSpec } from './request';

/** What a request means today. */
export interface Resolution {
  /** Sorted by name. */
  readonly packages: readonly LockedPackage[];
  /** Sources that were left out because they could not be reached or verified. */
  readonly problems: readonly AptProblem[];
}

/**
 * Resolves a request to exact packages: with `none` those named, with `closure` also all they depend on.
 *
 * @throws StackError STACK3010 for an unknown package, version or suite; STACK3011 when that may be due to a source that could
 * not be reached or verified; STACK3014 when the dependencies cannot be satisfied
 */
export async function resolvePackages(request: PackageRequest, apt: Apt): Promise<Resolution> {
  const problems = await apt.update();
  const resolver = new Resolver(request, apt, problems);
  return { packages: await resolver.resolve(), problems };
}

class Resolver {
  public constructor(
    private readonly request: PackageRequest,
    private readonly apt: Apt,
    private readonly problems: readonly AptProblem[],
  ) {}

  public async resolve(): Promise<LockedPackage[]> {
    const { packages, suite, dependencies } = this.request;
    if (suite !== undefined) await this.checkSuite(suite);
    const policies = await this.apt.policies(
      packages.map(({ name }) => name),
      suite,
    );
    for (const spec of packages) await this.check(spec, policies.get(spec.name));
    const wanted = packages.map(formatSpec);
    const specs = dependencies === 'none' ? wanted : await this.closure(wanted);
    const archives = await this.apt.archives(specs, suite);
    if (!archives.ok) throw this.conflict(wanted, parseConflicts(archives.output.stdout, archives.output.stderr));
    return archives.value.map((archive) => this.locked(archive)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every package of the closure as `name=version`: apt tells the sha256 only when packages are downloaded by name. */
  private async closure(wanted: readonly string[]): Promise<string[]> {
    const closure = await this.apt.closure(wanted, this.request.suite);
    if (!closure.ok) throw this.conflict(wanted, parseConflicts(closure.output.stdout, closure.output.stderr));
    return closure.value.map(formatSpec);
  }

  private async checkSuite(suite: string): Promise<void> {
    const releases = await this.apt.releases();
    const names = [...new Set(releases.flatMap((release) => [release.suite ?? [], release.codename ?? []].flat()))];
    if (names.includes(suite)) return;
    const guess = didYouMean(suite, names);
    throw this.unknown(
      `suite '${suite}' is not among ${this.apt.sourcesName}`,
      guess === undefined
        ? `add the suite there; known are: ${names.join(', ') || 'none'}`
        : `did you mean '${guess}'?`,
    );
  }

  private async check({ name, version }: PackageSpec, policy: PackagePolicy | undefined): Promise<void> {
    const where = `for ${this.request.architecture} in ${this.apt.sourcesName}`;
    if (policy === undefined) {
      const names = await this.apt.names();
      if (names.length === 0)
        throw this.unknown(`package '${name}' cannot be looked up: there are no packages at all ${where}`, ADD_SOURCES);
      const guess = didYouMean(name, names);
      throw this.unknown(
        `package '${name}' is unknown: there is none ${where}`,
        guess === undefined ? ADD_SOURCES : `did you mean '${guess}'?`,
      );
    }
    if (version !== undefined && policy.versions.length > 0) {
      if (policy.versions.includes(version)) return;
      throw this.unknown(
        `package '${name}' has no version '${version}' ${where}`,
        `there is ${policy.versions.join(', ')}`,
      );
    }
    if (policy.candidate !== undefined) return;
    if (policy.versions.length > 0) {
      throw this.unknown(
        `package '${name}' is ruled out by the host's apt preferences`,
        'see apt_preferences(5), or name a suite or a version',
      );
    }
    const providers = await this.apt.providers(name);
    throw this.unknown(
      `package '${name}' does not exist itself ${where}`,
      providers.length === 0 ? ADD_SOURCES : `name one of those that provide it: ${providers.join(', ')}`,
    );
  }

  /** Something is not there. If a source could not be used, it may be there. */
  private unknown(message: string, hint: string): StackError {
    if (this.problems.length === 0) return new StackError('STACK3010', message, { hint });
    const left = this.problems.map(formatProblem).join('; ');
    return new StackError('STACK3011', `${message}; but these sources could not be used: ${left}`, {
      hint: CHECK_SOURCES,
    });
  }

  private conflict(wanted: readonly string[], explanation: readonly string[]): StackError {
    const hint =
      this.problems.length === 0
        ? undefined
        : `these sources could not be used: ${this.problems.map(formatProblem).join('; ')}`;
    return new StackError(
      'STACK3014',
      `the dependencies of ${wanted.join(', ')} cannot be satisfied: ${explanation.join('; ')}`,
      { hint },
    );
  }

  private locked({ name, version, architecture, sha256, size }: AptArchive): LockedPackage {
    if (sha256 !== undefined) return { name, version, architecture, sha256, size };
    throw new StackError('STACK3011', `package '${name}' has no sha256 in ${this.apt.sourcesName}`, {
      hint: 'its source is too old-fashioned to be trusted; take the package from another one',
    });
  }
}

const ADD_SOURCES = 'check the name, or add the source that has it';
const CHECK_SOURCES = 'see that the sources can be reached and that their keys are installed';
