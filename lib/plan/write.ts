import * as fs from 'node:fs';
import * as path from 'node:path';
import { canonicalJson, writeFailure } from '../core';
import { manifestOf } from './manifest';
import { locateOutput, placeStaged, refuseOutput, stagingBeside, syncDirectory, tidyBeside } from './output-directory';
import type { Plan, TreeFile, TreeNode } from './schema';
import { ASSEMBLY_FILES, PLAN_SCHEMA_VERSION } from './version';

/** What goes into an output directory. */
export interface AssemblyContents {
  /** The app's directory, absolute; only its way from the output directory is written. */
  readonly directory: string;
  readonly plan: Omit<Plan, 'schemaVersion' | 'directory'>;
  readonly tree: TreeNode;
}

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
    refuseOutput(outdir, contents.directory);
    tidyBeside(outdir);
    const appDirectory = fs.realpathSync(contents.directory);
    const plan: Plan = {
      ...contents.plan,
      schemaVersion: PLAN_SCHEMA_VERSION,
      directory: toPosix(path.relative(locateOutput(outdir), appDirectory)),
    };
    replace(outdir, {
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

/** Puts a directory with exactly these files in the place of the output directory. */
function replace(outdir: string, files: Readonly<Record<string, string>>): void {
  const staged = stagingBeside(outdir);
  try {
    writeDirectory(staged, files);
    placeStaged(staged, outdir);
  } finally {
    fs.rmSync(staged, { recursive: true, force: true });
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
