import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { writeFailure } from '../../core';
import type { DeviceMount, MountLine } from './mounts';
import { LAYER, WORK } from './work-layout';

const DEV_LINKS = { fd: '/proc/self/fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2', ptmx: 'pts/ptmx' };

/** What a run needs to find in its directory. */
export interface WorkContents {
  /** Bottom to top. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly devices: readonly DeviceMount[];
  readonly mounts: readonly MountLine[];
}

/**
 * Makes the directory of a run.
 * @throws StackError STACK7001, STACK7002
 */
export function makeWorkDirectory(work: string, contents: WorkContents): void {
  const { lowers, upper, devices, mounts } = contents;
  const place = (...names: string[]): string => path.join(work, ...names);
  try {
    mkdirSync(work, { recursive: true, mode: 0o700 });
    for (const name of Object.values(WORK)) makeDirectory(place(name));

    const link = (target: string, name: string): void => {
      symlinkSync(path.resolve(target), place(WORK.layers, name));
    };
    lowers.forEach((lower, index) => {
      link(lower, LAYER.lower(index));
    });
    link(upper, LAYER.upper);
    link(place(WORK.overlay), LAYER.work);
    link(place(WORK.bottom), LAYER.bottom);
    link(place(WORK.points), LAYER.points);

    for (const { name, kind } of devices) {
      if (kind === 'directory') makeDirectory(place(WORK.dev, name));
      else writeFileSync(place(WORK.dev, name), '');
    }
    for (const [name, target] of Object.entries(DEV_LINKS)) symlinkSync(target, place(WORK.dev, name));
    makeDirectory(place(WORK.run, 'lock'), 0o1777);
    makeDirectory(place(WORK.bottom, 'tmp'), 0o1777);
    for (const { target, kind } of mounts) makeMountPoint(work, target, kind);
  } catch (error) {
    throw writeFailure('STACK7001', `the directory of a run, '${work}'`, error);
  }
}

/** Where the mount point for a path of the sandbox is made: in what is mounted around it, else below the base. */
function makeMountPoint(work: string, target: string, kind: MountLine['kind']): void {
  const [, first = '', ...rest] = target.split('/');
  if (rest.length > 0 && first === 'proc') return;
  const room = rest.length > 0 && (first === WORK.run || first === WORK.stack) ? '' : WORK.bottom;
  const parts = [room, first, ...rest].filter((part) => part !== '');
  const directories = kind === 'directory' ? parts : parts.slice(0, -1);
  directories.forEach((_, index) => {
    makeDirectory(path.join(work, ...directories.slice(0, index + 1)));
  });
  if (kind === 'file') writeFileSync(path.join(work, ...parts), '', { flag: 'a' });
}

/** Unless it is there. Whatever our umask is: a script may see it. */
function makeDirectory(directory: string, mode = 0o755): void {
  if (mkdirSync(directory, { recursive: true }) !== undefined) chmodSync(directory, mode);
}
