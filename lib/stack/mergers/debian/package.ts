import { compareNames } from '../../../core';
import { Malformed } from '../malformed';
import { parseStanzas, valueOf, type Stanza } from './control-file';

/** Where dpkg keeps what it knows of packages. */
export const STATUS = 'var/lib/dpkg/status';

/** A package as {@link STATUS} has it. */
export interface Package {
  readonly stanza: Stanza;
  readonly name: string;
  /** `''` for one that is only marked, and not known any better. */
  readonly architecture: string;
  /** `''` where none is known. */
  readonly version: string;
  /** `same`, `foreign`, `allowed`; else `no` or `''`. */
  readonly multiArch: string;
  /** What is wanted, such as `install` or `hold`. */
  readonly want: string;
  /** `ok`, else `reinstreq`. */
  readonly flag: string;
  /** Such as `installed`, `config-files`, `half-configured`. */
  readonly state: string;
}

/** Reads the packages of dpkg's status file, each once. @throws Malformed */
export function parsePackages(content: Buffer): readonly Package[] {
  const stanzas = parseStanzas(content);
  const packages: Package[] = [];
  const seen = new Set<string>();
  for (const stanza of stanzas) {
    const found = packageOf(stanza);
    const instance = `${found.name}:${found.architecture}`;
    if (seen.has(instance)) throw new Malformed(`has the package ${instance} twice`);
    seen.add(instance);
    packages.push(found);
  }
  return packages;
}

/** The package of a stanza. @throws Malformed */
export function packageOf(stanza: Stanza): Package {
  const name = valueOf(stanza, 'package');
  if (!/^[A-Za-z0-9][A-Za-z0-9+._-]{0,255}$/.test(name))
    throw new Malformed('has a stanza without the name of a package');
  const architecture = valueOf(stanza, 'architecture');
  if (!/^[A-Za-z0-9-]{0,64}$/.test(architecture)) throw new Malformed(`has an architecture of ${name} that is none`);
  const version = valueOf(stanza, 'version');
  if (!/^[A-Za-z0-9.+~:-]{0,256}$/.test(version)) throw new Malformed(`has a version of ${name} that is none`);
  const [, want, flag, state] = /^([a-z]+)\s+([a-z-]+)\s+([a-z-]+)$/.exec(valueOf(stanza, 'status')) ?? [];
  if (want === undefined || flag === undefined || state === undefined) throw new Malformed(`has no Status of ${name}`);
  const multiArch = valueOf(stanza, 'multi-arch');
  return { stanza, name, architecture, version, multiArch, want, flag, state };
}

/** Whether its files are there: not only its configuration, or a mark. */
export function isPresent({ state }: Package): boolean {
  return state !== 'not-installed' && state !== 'config-files';
}

/** Its name as dpkg writes it: with the architecture where there may be others. */
export function displayName({ name, architecture, multiArch }: Package): string {
  return multiArch === 'same' ? `${name}:${architecture}` : name;
}

/** The architecture that packages for all of them count as: dpkg's own, else the most frequent one; undefined for none. */
export function nativeArchitecture(packages: Iterable<Package>): string | undefined {
  const counts = new Map<string, number>();
  for (const each of packages) {
    const { name, architecture } = each;
    if (architecture === 'all' || architecture === '') continue;
    if (name === 'dpkg' && isPresent(each)) return architecture;
    counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].sort(([a, x], [b, y]) => y - x || compareNames(a, b))[0]?.[0];
}

/** The order in which dpkg writes packages: by name, then the native instance, unless it may have siblings, then by architecture. */
export function sortPackages(packages: Iterable<Package>): Package[] {
  const all = [...packages];
  const native = nativeArchitecture(all);
  const rank = ({ architecture, multiArch }: Package): string =>
    architecture !== '' && (multiArch === 'same' || (architecture !== 'all' && architecture !== native))
      ? architecture
      : '';
  return all.sort((a, b) => compareNames(a.name, b.name) || compareNames(rank(a), rank(b)));
}
