import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** What is in a root filesystem besides busybox: contents and targets by path. */
export interface BusyboxOptions {
  readonly files: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
}

/** Writes a tar of a root filesystem of busybox: everything is root's, and old. */
export function writeBusyboxTar(file: string, { files, links = {} }: BusyboxOptions): void {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-base-'));
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  fs.mkdirSync(path.join(root, 'bin'));
  fs.copyFileSync(busybox, path.join(root, 'bin/busybox'));
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (name !== 'busybox') fs.symlinkSync('busybox', path.join(root, 'bin', name));
  }
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
  }
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, path.join(root, name));
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', root]); // tar's --mode would change links as well
  const metadata = ['--owner=0', '--group=0', '--mtime=@1000000000'];
  execFileSync('tar', ['-cf', file, ...metadata, '-C', root, '.']);
  fs.rmSync(root, { recursive: true });
}
