import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from '../as-root';
import { writeBusyboxTar } from '../busybox';
import { addTools, USE_TOOLS } from './listing';

/** Of what a base from outside has. */
const OLD = '1100000000';
/** A root filesystem of busybox and tools, in a directory of its own. */
export function withRoot(work: (root: string) => void): void {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-root-'));
  try {
    const root = path.join(home, 'root');
    fs.mkdirSync(root, { mode: 0o755 });
    writeBusyboxTar(path.join(home, 'busybox.tar'), { files: { 'etc/passwd': 'root:x:0:0::/root:/bin/sh\n' } });
    execFileSync('tar', ['-xf', path.join(home, 'busybox.tar'), '-C', root]);
    addTools(root);
    asRoot('chown', '-R', '-h', '0:0', root);
    makeOld(root);
    work(root);
  } finally {
    asRoot('rm', '-rf', home);
  }
}

/** Runs a script in a root filesystem; what it writes is old afterwards. */
export function growIn(root: string, script: string): void {
  asRoot('mkdir', '-p', `${root}/dev`, `${root}/run`);
  asRoot('chroot', root, '/bin/sh', '-c', `${USE_TOOLS}\n${script}`);
  asRoot('chown', '0:7', root);
  asRoot('chmod', '711', root);
  makeOld(root);
}

/** So that the time of a test is not in it. */
function makeOld(root: string): void {
  asRoot('find', root, '-newermt', '2020-01-01', '-exec', 'touch', '-h', '-d', `@${OLD}`, '{}', '+');
}

/** Packs a root filesystem as a tar. */
export function pack(root: string, file: string): void {
  asRoot('tar', '--xattrs', '--xattrs-include=*', '--sort=name', '--numeric-owner', '-cf', file, '-C', root, '.');
  asRoot('chmod', '644', file);
}
