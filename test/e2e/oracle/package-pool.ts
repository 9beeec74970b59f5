import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from '../as-root';
import { WEEK } from '../debian-base';

/** Where scripts see it. */
export const POOL = '/packages';

/** The environment in which apt knows these packages and no others, and asks nothing. */
export const POOL_ENVIRONMENT = { APT_CONFIG: `${POOL}/apt.conf`, DEBIAN_FRONTEND: 'noninteractive' };

/** apt.conf(5) */
const APT_CONF = `Dir::Etc::SourceList "${POOL}/sources.list";
Dir::Etc::SourceParts "/nonexistent";
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
`;

/**
 * A repository of real packages and all they need on a base, downloaded by this machine's apt from its own sources. It is kept
 * beside the base, until there is another base.
 * @param base tar of a Debian root filesystem
 * @param sets names of packages that are installed together
 * @returns its directory
 */
export function packagePool(base: string, sets: readonly (readonly string[])[]): string {
  const identity = [path.basename(base), fs.statSync(base).mtimeMs, sets, APT_CONF];
  const key = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
  const cache = path.dirname(base);
  const pool = path.join(cache, `packages-${key}`);
  if (fs.existsSync(pool)) return pool;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-packages-'));
  const temporary = `${pool}.${String(process.pid)}.tmp`;
  try {
    download(base, sets, directory);
    writeRepository(path.join(directory, 'cache/archives'), temporary);
    removeOld(cache);
    fs.renameSync(temporary, pool);
  } finally {
    asRoot('rm', '-rf', directory, temporary);
  }
  return pool;
}

/** Those of bases that are not used any more; another checkout's may be in use. */
function removeOld(cache: string): void {
  for (const name of fs.readdirSync(cache).filter((each) => /^packages-[0-9a-f]{16}$/.test(each))) {
    const directory = path.join(cache, name);
    if (Date.now() - fs.statSync(directory).mtimeMs > WEEK) fs.rmSync(directory, { recursive: true });
  }
}

/** As if the base were this machine, with its sources. */
function download(base: string, sets: readonly (readonly string[])[], directory: string): void {
  for (const each of ['state/lists/partial', 'cache/archives/partial']) {
    fs.mkdirSync(path.join(directory, each), { recursive: true });
  }
  const status = path.join(directory, 'status');
  fs.writeFileSync(status, execFileSync('tar', ['-xOf', base, './var/lib/dpkg/status'], { maxBuffer: 64 << 20 }));
  const options = [
    `Dir::State=${directory}/state`,
    `Dir::State::status=${status}`,
    `Dir::Cache=${directory}/cache`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  asRoot('apt-get', ...options, 'update');
  for (const names of sets) {
    asRoot('apt-get', ...options, 'install', '--download-only', '--yes', '--no-install-recommends', ...names);
  }
}

function writeRepository(archives: string, directory: string): void {
  fs.mkdirSync(directory);
  const files = fs.readdirSync(archives).filter((name) => name.endsWith('.deb'));
  const stanzas = files.sort().map((name) => {
    const content = fs.readFileSync(path.join(archives, name));
    fs.writeFileSync(path.join(directory, name), content);
    const control = execFileSync('dpkg-deb', ['--field', path.join(directory, name)], { encoding: 'utf8' });
    const sha256 = createHash('sha256').update(content).digest('hex');
    return `${control}Filename: ./${name}\nSize: ${String(content.length)}\nSHA256: ${sha256}\n`;
  });
  fs.writeFileSync(path.join(directory, 'Packages'), stanzas.join('\n'));
  fs.writeFileSync(path.join(directory, 'sources.list'), `deb [trusted=yes] file:${POOL} ./\n`);
  fs.writeFileSync(path.join(directory, 'apt.conf'), APT_CONF);
  fs.chmodSync(directory, 0o755);
}
