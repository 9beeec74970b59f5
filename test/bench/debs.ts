import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Downloads a package and what it needs on top of a root filesystem of this machine's release. */
export function downloadDebs(base: string, directory: string, name: string): void {
  const status = 'var/lib/dpkg/status';
  fs.mkdirSync(path.join(directory, 'partial'), { recursive: true });
  execFileSync('tar', ['-xf', base, '-C', directory, `./${status}`]);
  const options = [
    `Dir::State::status=${path.join(directory, status)}`,
    `Dir::Cache::archives=${directory}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    'APT::Keep-Downloaded-Packages=true',
    'APT::Install-Recommends=false',
  ].flatMap((option) => ['-o', option]);
  execFileSync('apt-get', ['-qq', ...options, '--assume-yes', '--download-only', 'install', name], { stdio: 'pipe' });
  for (const each of fs.readdirSync(directory)) {
    if (!each.endsWith('.deb')) fs.rmSync(path.join(directory, each), { recursive: true });
  }
}
