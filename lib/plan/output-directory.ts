import * as fs from 'node:fs';
import * as path from 'node:path';
import { errnoOf, isLeftOver, ownerOfTemporary, StackError, temporaryName, writeFailure } from '../core';
import { FRAMEWORK } from './manifest';
import { ASSEMBLY_FILES } from './version';

/** How often another process may get in between before we give up. */
const ATTEMPTS = 16;

/** What rename(2) says when the target is a directory with something in it. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST'];

/** What comes behind the temporary name of a directory that is to become an output directory, and of one that was. */
const [FRESH, OLD] = ['.tmp', '.old'];

/** The real path, also of a directory that does not exist yet, so that a symlink to the output directory stays one. */
export function locateOutput(outdir: string): string {
  const absolute = path.resolve(outdir);
  if (fs.existsSync(absolute)) return fs.realpathSync(absolute);
  fs.mkdirSync(path.dirname(absolute), { recursive: true });
  return path.join(fs.realpathSync(path.dirname(absolute)), path.basename(absolute));
}

/**
 * Refuses an output directory that would replace something else.
 * @param outdir as the user named it
 * @param appDirectory the app's directory, absolute
 * @throws StackError STACK1007 when it is or contains the app's directory, or is something that synth did not write
 */
export function refuseOutput(outdir: string, appDirectory: string): void {
  const target = locateOutput(outdir);
  refuseApp(outdir, target, fs.realpathSync(appDirectory));
  refuseForeign(outdir, target);
}

/** A new name beside an output directory, for one process alone; the way from it to the app is the same. */
export function stagingBeside(outdir: string): string {
  return `${locateOutput(outdir)}.${temporaryName()}${FRESH}`;
}

/**
 * Puts a staged directory in the place of an output directory, whoever else does the same meanwhile.
 * @returns the real path of the output directory
 * @throws StackError STACK1007, STACK7002; the old directory is then still there
 */
export function placeStaged(staged: string, outdir: string): string {
  const target = locateOutput(outdir);
  const old = `${target}.${temporaryName()}${OLD}`;
  try {
    exchange(staged, target, old);
    syncDirectory(path.dirname(target));
  } catch (error) {
    throw writeFailure('STACK1007', `the output directory '${outdir}'`, error);
  } finally {
    fs.rmSync(old, { recursive: true, force: true });
  }
  return target;
}

/**
 * Removes what killed processes left beside an output directory, which one of them may have been about to replace. What cannot be
 * removed stays.
 */
export function tidyBeside(outdir: string): void {
  try {
    removeLeftovers(outdir);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

function removeLeftovers(outdir: string): void {
  const target = locateOutput(outdir);
  const parent = path.dirname(target);
  for (const name of fs.readdirSync(parent)) {
    if (!isTemporaryOf(path.basename(target), name)) continue;
    const file = path.join(parent, name);
    if (!isLeftOver(file, ownerOfTemporary(name.slice(0, -FRESH.length)))) continue;
    if (name.endsWith(OLD) && !fs.existsSync(target) && renamed(file, target, [...OCCUPIED, 'ENOENT'])) continue;
    fs.rmSync(file, { recursive: true, force: true });
  }
}

/** Whether a name is one that stands beside an output directory while that is written. */
export function isTemporaryOf(output: string, name: string): boolean {
  const isOurs = name.startsWith(`${output}.`) && (name.endsWith(FRESH) || name.endsWith(OLD));
  return isOurs && ownerOfTemporary(name.slice(0, -FRESH.length)) !== undefined;
}

function refuseApp(outdir: string, target: string, appDirectory: string): void {
  if (appDirectory !== target && !appDirectory.startsWith(target.endsWith(path.sep) ? target : target + path.sep))
    return;
  throw new StackError('STACK1007', `the output directory '${outdir}' is, or contains, the directory of the app`, {
    hint: "choose a directory of its own, such as 'synth.out'",
  });
}

/** The old directory is removed, so it must be one of ours: `manifest.json` alone would also fit a web page's. */
function refuseForeign(outdir: string, target: string): void {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const isDirectory = stat.isDirectory();
  if (isDirectory && (isEmpty(target) || isOurs(path.join(target, ASSEMBLY_FILES.manifest)))) return;
  if (!fs.existsSync(target)) return; // another process is replacing it
  const what = isDirectory ? 'holds files that synth did not write' : 'is not a directory';
  throw new StackError('STACK1007', `the output directory '${outdir}' ${what}`, {
    hint: 'choose another output directory, or remove this one if nothing in it matters',
  });
}

function isEmpty(directory: string): boolean {
  try {
    return fs.readdirSync(directory).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}

function isOurs(manifest: string): boolean {
  try {
    const parsed = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { framework?: { name?: unknown } } | null;
    return parsed?.framework?.name === FRAMEWORK;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** rename(2) replaces only an empty directory, so the old one steps aside; another synth may do the same meanwhile. */
function exchange(fresh: string, target: string, old: string): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (renamed(fresh, target, OCCUPIED)) return;
    if (!renamed(target, old, ['ENOENT'])) continue;
    try {
      if (renamed(fresh, target, OCCUPIED)) return;
    } catch (error) {
      renamed(old, target, OCCUPIED);
      throw error;
    }
    fs.rmSync(old, { recursive: true, force: true });
  }
  throw new Error('another process keeps writing it');
}

/** Renames; false when that failed for one of the given reasons. */
function renamed(from: string, to: string, unless: readonly string[]): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (unless.includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** Makes what was done in a directory durable. */
export function syncDirectory(directory: string): void {
  const handle = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
