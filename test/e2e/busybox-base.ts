import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Project } from './installed';

const APPLETS = [
  'sh',
  'cat',
  'chmod',
  'chown',
  'env',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'rmdir',
  'sleep',
  'touch',
  'wget',
];

/** Adds `base.tar`: a root filesystem of busybox with some files to change. */
export function addBase(project: Project): void {
  const root = project.path('root');
  fs.mkdirSync(path.join(root, 'bin'), { recursive: true });
  fs.copyFileSync(
    execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim(),
    path.join(root, 'bin/busybox'),
  );
  for (const name of APPLETS) fs.symlinkSync('busybox', path.join(root, 'bin', name));
  for (const name of ['etc/conf', 'data/one', 'data/two', 'usr/lib/x']) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), `${name}\n`);
  }
  fs.symlinkSync('usr/lib', path.join(root, 'lib'));
  execFileSync('tar', [
    '--owner=0',
    '--group=0',
    '--mtime=@1000000000',
    '-cf',
    project.path('base.tar'),
    '-C',
    root,
    '.',
  ]);
  fs.rmSync(root, { recursive: true });
}
