import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, errnoOf, StackError, writeFailure } from '../core';
import { FRAMEWORK, manifestOf } from './manifest';
import type { Plan, TreeFile, TreeNode } from './schema';
import { ASSEMBLY_FILES, PLAN_SCHEMA_VERSION } from './version';

/** What goes into an output directory. */
export interface AssemblyContents {
  /** The app's directory, absolute; only its way from the output directory is written. */
  readonly directory: string;
  readonly plan: Omit<Plan, 'schemaVersion' | 'directory'>;
  readonly tree: TreeNode;
}

/** How often another process may get in between before we give up. */
const ATTEMPTS = 16;

/** What rename(2) says when the target is a directory with something in it. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST'];

/**
 * Writes an output directory: beside the old one, synced, then in its place, so whoever reads finds the whole old or the whole new one.
 * The bytes depend on the contents and on where the app's directory lies seen from `outdir`, on nothing else.
 * Synchronous, since an app synthesizes when its process ends.
 *
 * @returns the complete plan.
 * @throws STACK1007 when `outdir` is or contains the app's directory, is something that synth did not write, or cannot be written;
 *   STACK7002 when the disk is full. The old directory is then still there.
 */
export function writeAssembly(outdir: string, contents: AssemblyContents): Plan {
  try {
    const target = locate(outdir);
    const appDirectory = fs.realpathSync(contents.directory);
    refuseApp(outdir, target, appDirectory);
    refuseForeign(outdir, target);
    const plan: Plan = {
      ...contents.plan,
      schemaVersion: PLAN_SCHEMA_VERSION,
      directory: toPosix(path.relative(target, appDirectory)),
    };
    replace(target, {
      [ASSEMBLY_FILES.manifest]: serialize(manifestOf(plan.images)),
      [ASSEMBLY_FILES.plan]: serialize(plan),
      [ASSEMBLY_FILES.tree]: serialize({ schemaVersion: PLAN_SCHEMA_VERSION, tree: contents.tree } satisfies TreeFile),
    });
    return plan;
  } catch (error) {
    throw writeFailure('STACK1007', `the output directory '${outdir}'`, error);
  }
}

function serialize(value: unknown): string {
  return `${canonicalJson(value, 2)}\n`;
}

function toPosix(file: string): string {
  return path.sep === '/' ? file : file.split(path.sep).join('/');
}

/** The real path, also of a directory that does not exist yet, so that a symlink to the output directory stays one. */
function locate(outdir: string): string {
  const absolute = path.resolve(outdir);
  if (fs.existsSync(absolute)) return fs.realpathSync(absolute);
  fs.mkdirSync(path.dirname(absolute), { recursive: true });
  return path.join(fs.realpathSync(path.dirname(absolute)), path.basename(absolute));
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
  if (!fs.existsSync(target)) return;
  const isDirectory = fs.statSync(target).isDirectory();
  if (isDirectory && (fs.readdirSync(target).length === 0 || isOurs(path.join(target, ASSEMBLY_FILES.manifest))))
    return;
  const what = isDirectory ? 'holds files that synth did not write' : 'is not a directory';
  throw new StackError('STACK1007', `the output directory '${outdir}' ${what}`, {
    hint: 'choose another output directory, or remove this one if nothing in it matters',
  });
}

function isOurs(manifest: string): boolean {
  if (!fs.existsSync(manifest)) return false;
  const text = fs.readFileSync(manifest, 'utf8');
  try {
    const parsed = JSON.parse(text) as { framework?: { name?: unknown } } | null;
    return parsed?.framework?.name === FRAMEWORK;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Puts a directory with exactly these files at `target`. */
function replace(target: string, files: Readonly<Record<string, string>>): void {
  const unique = `${target}.${String(process.pid)}-${randomBytes(4).toString('hex')}`;
  const fresh = `${unique}.tmp`;
  const old = `${unique}.old`;
  try {
    writeDirectory(fresh, files);
    exchange(fresh, target, old);
    syncDirectory(path.dirname(target));
  } finally {
    fs.rmSync(fresh, { recursive: true, force: true });
    fs.rmSync(old, { recursive: true, force: true });
  }
}

function writeDirectory(directory: string, files: Readonly<Record<string, string>>): void {
  fs.mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    const file = fs.openSync(path.join(directory, name), 'wx', 0o644);
    try {
      fs.writeFileSync(file, content);
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
  }
  syncDirectory(directory);
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

function syncDirectory(directory: string): void {
  const handle = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}
