import { createHash } from 'node:crypto';
import { StackError } from '../../core';
import { parsePlatform } from '../../oci';
import { DEBIAN_SYNTAX, type DebianPlan } from '../../plan';
import { debianArchitecture } from './architecture';

/** A package as an app asks for it. */
export interface PackageSpec {
  readonly name: string;
  /** Absent: whatever apt prefers. */
  readonly version?: string | undefined;
}

/** What an image asks of apt; everything that decides which packages it gets. */
export interface PackageRequest {
  /** Sorted by name, each once. */
  readonly packages: readonly PackageSpec[];
  readonly dependencies: 'none' | 'closure';
  /** Debian's name of it. */
  readonly architecture: string;
  readonly suite?: string | undefined;
  /** Text of source entries instead of the host's. */
  readonly sources?: string | undefined;
}

/**
 * Reads the request out of an image's recipe.
 * @throws StackError STACK2006 for a package, suite or architecture that is not well-formed, STACK3010 for a platform Debian does not have
 */
export function packageRequest(plan: DebianPlan): PackageRequest {
  const specs = new Map<string, PackageSpec>();
  for (const text of plan.packages) {
    const spec = parseSpec(text);
    const other = specs.get(spec.name);
    if (other !== undefined && other.version !== spec.version) {
      throw new StackError('STACK2006', `package '${spec.name}' is asked for twice, in different versions`);
    }
    specs.set(spec.name, spec);
  }
  if (specs.size === 0)
    throw new StackError('STACK2006', "'packages' is empty", { hint: 'name at least one Debian package' });
  return {
    packages: [...specs.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    dependencies: plan.dependencies,
    architecture: architectureOf(plan),
    ...(plan.suite === undefined ? {} : { suite: checkedSuite(plan.suite) }),
    ...(plan.sources === undefined ? {} : { sources: normalSources(plan.sources) }),
  };
}

/**
 * The key of a request in the lock file: readable, the same for equal requests, and without any host name,
 * such as `amd64 closure bookworm: linux-image-cloud-amd64 ovmf`.
 */
export function lockKey({ packages, dependencies, architecture, suite, sources }: PackageRequest): string {
  const where = [architecture, dependencies];
  if (suite !== undefined) where.push(suite);
  if (sources !== undefined) where.push(`sources:${sourcesId(sources)}`);
  return `${where.join(' ')}: ${packages.map(formatSpec).join(' ')}`;
}

/** A short name for a text of source entries: 12 hex characters of its sha256. */
export function sourcesId(sources: string): string {
  return createHash('sha256').update(sources).digest('hex').slice(0, 12);
}

/** `name` or `name=version`, as apt takes it. */
export function formatSpec({ name, version }: PackageSpec): string {
  return version === undefined ? name : `${name}=${version}`;
}

function parseSpec(text: string): PackageSpec {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  const version = at === -1 ? undefined : text.slice(at + 1);
  // A stricter reading than apt's, which would take `name-`, `name/suite`, patterns and options as well.
  if (!DEBIAN_SYNTAX.name.test(name) || (version !== undefined && !DEBIAN_SYNTAX.version.test(version))) {
    throw new StackError('STACK2006', `'${text}' is not a Debian package`, { hint: "write 'name' or 'name=version'" });
  }
  return { name, ...(version === undefined ? {} : { version }) };
}

function checkedSuite(suite: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+/-]*$/.test(suite)) return suite;
  throw new StackError('STACK2006', `'${suite}' is not a name of a suite`, {
    hint: "write one such as 'bookworm' or 'jammy-backports'",
  });
}

function architectureOf({ architecture, platform }: DebianPlan): string {
  if (architecture === undefined)
    return debianArchitecture(platform === undefined ? undefined : parsePlatform(platform));
  if (DEBIAN_SYNTAX.architecture.test(architecture)) return architecture;
  throw new StackError('STACK2006', `'${architecture}' is not a name of an architecture`, {
    hint: "write Debian's name, such as 'arm64'",
  });
}

/** Line ends and white space at the edges say nothing, so they do not change the key either. */
function normalSources(text: string): string {
  return `${text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()}\n`;
}
