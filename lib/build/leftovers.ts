/** Directories of package managers and programs whose contents nobody needs; they themselves belong to packages. */
const DIRECTORIES = [
  'tmp',
  'var/tmp',
  'run',
  'root/.cache',
  'var/lib/apt/lists',
  'var/cache/apt',
  'var/log/apt',
  'var/cache/apk',
  'var/cache/dnf',
  'var/cache/yum',
];
const FILES = [
  'var/log/dpkg.log',
  'var/log/alternatives.log',
  'var/cache/debconf/*-old',
  'var/lib/dpkg/*-old',
  'var/cache/ldconfig/aux-cache',
];

/** What package managers and programs leave behind, as patterns. */
export const LEFTOVERS: readonly string[] = [...DIRECTORIES.map((directory) => `${directory}/**`), ...FILES];
