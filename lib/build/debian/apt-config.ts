import { StackError } from '../../core';

/**
 * Configuration read after the host's, so that state and caches are private, hooks of the host do not run, and results
 * depend on the sources only. Proxies, credentials and trusted keys stay the host's.
 */
export function aptConfig(options: { directory: string; architecture: string; sources?: string | undefined }): string {
  const { directory, architecture, sources } = options;
  if (/["\n]/.test(directory)) {
    throw new StackError(
      'STACK7001',
      `apt cannot use a directory with a quote or line end in its name: '${directory}'`,
      {
        hint: 'set STACK_HOME to another directory',
      },
    );
  }
  return [
    ...privateState(directory),
    ...target(architecture),
    ...STRICT,
    ...(sources === undefined ? [] : ownSources(directory)),
    '',
  ].join('\n');
}

/** Name of the file for a text of source entries: apt tells the two formats (sources.list(5)) by it. */
export function sourcesFileName(sources: string): string {
  return /^\s*(Types|URIs|Suites)\s*:/im.test(sources) ? 'image.sources' : 'image.list';
}

/**
 * Preferences (apt_preferences(5)) for the versions of a suite, as `--target-release` gives, but with its updates and security
 * fixes on the same footing: with them behind, the version before a security fix would be the preferred one.
 */
export function preferences(suite: string): string {
  const records = [
    // Ubuntu gives these the code name of the suite itself; they stay what one has to ask for by name. The first match counts.
    ...[`a=${suite}-backports`, `a=${suite}-proposed`].map((release) => [release, '100']),
    ...[suite, `${suite}-updates`, `${suite}-security`].flatMap((name) => [
      [`a=${name}`, '990'],
      [`n=${name}`, '990'],
    ]),
  ];
  return records
    .map(([release = '', priority = '']) => `Package: *\nPin: release ${release}\nPin-Priority: ${priority}\n`)
    .join('\n');
}

function privateState(directory: string): string[] {
  return [
    `Dir::State "${directory}";`,
    `Dir::State::lists "${directory}/lists";`,
    `Dir::State::status "${directory}/status";`,
    `Dir::Cache "${directory}/cache";`,
    `Dir::Cache::archives "${directory}/cache/archives";`,
    `Dir::Cache::pkgcache "${directory}/cache/pkgcache.bin";`,
    'Dir::Cache::srcpkgcache "";', // of use only where the set of installed packages changes
    'Acquire::GzipIndexes "true";', // package lists stay compressed
    'APT::Sandbox::User "";', // there is no root to step down from
    'Debug::NoLocking "true";', // queries write nothing; an update sets its own lock
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ];
}

function target(architecture: string): string[] {
  return [
    '#clear APT::Architectures;',
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    // Only lists of packages, whatever else the host keeps of its sources.
    '#clear Acquire::IndexTargets;',
    'Acquire::IndexTargets::deb::Packages {',
    '  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages"; flatMetaKey "Packages";',
    '  ShortDescription "Packages"; Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages"; Optional "0";',
    '};',
    '#clear Acquire::Languages;',
    'Acquire::Languages { "none"; };',
  ];
}

const STRICT = [
  'Acquire::AllowInsecureRepositories "false";',
  'Acquire::AllowDowngradeToInsecureRepositories "false";',
  'Acquire::AllowWeakRepositories "false";',
  'APT::Get::AllowUnauthenticated "false";',
  'APT::Install-Recommends "false";',
  'APT::Install-Suggests "false";',
  'APT::Cmd::Pattern-Only "true";', // names are names, not patterns
  'APT::Color "0";',
];

function ownSources(directory: string): string[] {
  return [
    `Dir::Etc::sourcelist "${directory}/status";`, // an empty file
    `Dir::Etc::sourceparts "${directory}/sources.d";`,
    `Dir::Etc::preferences "${directory}/status";`,
    `Dir::Etc::preferencesparts "${directory}/nothing.d";`,
    'APT::Default-Release "";',
  ];
}
