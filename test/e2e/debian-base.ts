import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from './as-root';

/** How long what was downloaded is kept, milliseconds. */
export const WEEK = 7 * 24 * 60 * 60 * 1000;

/**
 * A root filesystem of Debian, as a tar, made from this machine's own sources. It takes a minute, so it is kept for a
 * week in `cdk-stack-tests` of the XDG cache directory.
 */
export function debianBase(): string {
  const command = mmdebstrap();
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const key = createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 16);
  const file = path.join(cache, 'cdk-stack-tests', `debian-${key}.tar`);
  const made = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - made > WEEK) {
    const temporary = `${file}.${String(process.pid)}.tmp`;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    asRoot(...command.map((argument) => (argument === TARGET ? temporary : argument)));
    fs.renameSync(temporary, file);
  }
  return file;
}

const TARGET = 'TARGET';

/** The command that makes one at TARGET. */
function mmdebstrap(): string[] {
  const sources = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].filter((file) =>
    fs.existsSync(file),
  );
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  // How the machine reaches its mirrors, which apt in the base has to do as well.
  const apt = execFileSync('apt-config', ['dump'], { encoding: 'utf8' }).matchAll(
    /^(Acquire::(?:Check-|http|Retries).*);$/gm,
  );
  const options = [...apt].map(([, option]) => `--aptopt=${option ?? ''}`);
  // Nobody needs what is half installed when the power fails.
  return [
    'mmdebstrap',
    '--variant=apt',
    '--format=tar',
    ...options,
    '--dpkgopt=force-unsafe-io',
    suite,
    TARGET,
    ...sources,
  ];
}
