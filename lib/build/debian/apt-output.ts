import { redactCredentials } from '../../core';

/** A package archive as apt would download it. */
export interface AptArchive {
  /** Credentials in it are hidden; it serves for messages. */
  readonly uri: string;
  /** Name of the file apt makes of it. */
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex characters; undefined when apt tells another hash only. */
  readonly sha256: string | undefined;
}

/** What apt knows of a package by its name. */
export interface PackagePolicy {
  /** The version apt would take; undefined for a virtual package, and for one that preferences rule out. */
  readonly candidate: string | undefined;
  readonly versions: readonly string[];
}

/** The suite and code name of a source, as its Release file has them. */
export interface Release {
  readonly suite: string | undefined;
  readonly codename: string | undefined;
}

/** Why a source, or a file from one, could not be used. */
export interface AptProblem {
  /** As apt names it, such as `http://deb.example.org/debian bookworm InRelease`; undefined when it is about none in particular. */
  readonly source: string | undefined;
  readonly cause: string;
}

/**
 * Reads what `apt-get --print-uris` lists: `'URI' FILE SIZE HASH:HEX`, among other lines.
 * The file is `NAME_VERSION_ARCHITECTURE.deb`, each part quoted as in URIs.
 */
export function parseArchives(stdout: string): AptArchive[] {
  const archives: AptArchive[] = [];
  for (const line of stdout.split('\n')) {
    const match = /^'([^']*)' ((\S+)_(\S+)_(\S+)\.deb) (\d+)(?: SHA256:([0-9a-f]{64}))?/.exec(line);
    if (match === null) continue;
    const [, uri = '', file = '', name = '', version = '', architecture = '', size, sha256] = match;
    archives.push({
      uri: redactCredentials(uri),
      file,
      name: unquote(name),
      version: unquote(version),
      architecture: unquote(architecture),
      size: Number(size),
      sha256,
    });
  }
  return archives;
}

/** Reads `apt-cache policy NAME …`; names apt has never heard of are not in it. */
export function parsePolicies(stdout: string): Map<string, PackagePolicy> {
  const policies = new Map<string, PackagePolicy>();
  for (const block of stdout.split(/^(?=\S)/m)) {
    const name = /^(\S+):\n/.exec(block)?.[1];
    const candidate = /^ {2}Candidate: (\S+)$/m.exec(block)?.[1];
    if (name === undefined || candidate === undefined) continue;
    const versions = [...block.matchAll(/^ (?: {4}|\*{3} )(\S+) -?\d+$/gm)].flatMap(([, version]) => version ?? []);
    policies.set(name, { candidate: candidate === '(none)' ? undefined : candidate, versions });
  }
  return policies;
}

/** Reads the sources `apt-cache policy` lists; without those that have no Release file. */
export function parseReleases(stdout: string): Release[] {
  return [...stdout.matchAll(/^ +release (.*)$/gm)].flatMap(([, text = '']) => {
    const suite = /(?:^|,)a=([^,]+)/.exec(text)?.[1];
    const codename = /(?:^|,)n=([^,]+)/.exec(text)?.[1];
    const isDpkgStatus = suite === 'now' && codename === undefined;
    return isDpkgStatus || (suite === undefined && codename === undefined) ? [] : [{ suite, codename }];
  });
}

/** Reads who provides a virtual package from `apt-cache showpkg NAME`; sorted names. */
export function parseProviders(stdout: string): string[] {
  const [, list = ''] = stdout.split(/^Reverse Provides: *\n/m);
  return [...new Set(list.split('\n').flatMap((line) => /^(\S+) \S/.exec(line)?.[1] ?? []))].sort();
}

/**
 * Reads apt's errors, and those of its warnings that tell of a source which was not updated or a package not fetched.
 * Other warnings, such as one about an old way to keep keys, are none of our business.
 */
export function parseProblems(stderr: string): AptProblem[] {
  const problems: AptProblem[] = [];
  for (const [, kind, text = ''] of stderr.matchAll(/^([EW]): (.*)$/gm)) {
    if (text.startsWith('Some index files failed to download')) continue; // the sum of the others
    const problem = problemAbout(text);
    // The reason comes first, then that the source therefore counts as unsigned.
    if (problem?.cause === NOT_SIGNED && problems.some(({ source }) => source === problem.source)) continue;
    if (problem !== undefined) problems.push(problem);
    else if (kind === 'E') problems.push({ source: undefined, cause: text });
  }
  return problems;
}

/** Why apt could not resolve: the lines about unmet dependencies, else its errors with the lines that explain them. */
export function parseConflicts(stdout: string, stderr: string): string[] {
  const [, unmet = ''] = stdout.split(/^The following packages have unmet dependencies:\n/m);
  const lines = /^(?: +\S.*\n)+/.exec(unmet)?.[0] ?? [...stderr.matchAll(/^E: .*(?:\n +.*)*/gm)].join('\n');
  return lines
    .split('\n')
    .map((line) => line.replace(/^E: /, '').trim().replace(/ +/g, ' '))
    .filter((line) => line !== '');
}

/** `source: cause`, for people. */
export function formatProblem({ source, cause }: AptProblem): string {
  return source === undefined ? cause : `${source}: ${cause}`;
}

const NOT_SIGNED = 'is not signed';

/** apt's sentences about one source: first group the source, second the cause. */
const ABOUT_A_SOURCE: readonly RegExp[] = [
  /^Failed to fetch (\S+) +(.*)$/,
  /(?:GPG error|OpenPGP signature verification failed): (\S+ \S+ \S+): (.*)$/,
  /^The repository '([^']*)' (.*?)\.?$/,
  /^Release file for (\S+) (is .*)$/,
  /^Skipping acquire of configured file .* as repository '([^']*)' (.*)$/,
];

function problemAbout(text: string): AptProblem | undefined {
  for (const pattern of ABOUT_A_SOURCE) {
    const match = pattern.exec(text);
    if (match?.[1] !== undefined && match[2] !== undefined)
      return { source: redactCredentials(match[1]), cause: match[2] };
  }
  return undefined;
}

/** Undoes `%XX` as apt writes it in file names. */
export function unquote(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
