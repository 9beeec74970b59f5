import { constants, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, messageOf, StackError } from '../core';
import { manifestFaults, planFaults } from './check';
import { invalid, unusable } from './faults';
import type { AssemblyManifest, Plan, TreeNode } from './schema';
import type * as validate from './validate';
import { ASSEMBLY_FILES } from './version';

/** A synthesized output directory, read and checked. */
export interface Assembly {
  /** The app's directory, absolute: where relative paths of the plan start. */
  readonly directory: string;
  /** The directory it was read from, absolute. */
  readonly output: string;
  readonly plan: Plan;
  readonly manifest: AssemblyManifest;
  readonly tree: TreeNode;
}

/** Largest file we read, in bytes; a plan of 10,000 layers has about 5 MB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** How often a directory may be replaced while it is being read. */
const ATTEMPTS = 16;

/** Milliseconds that a directory may be missing while another takes its place. */
const REPLACING = 20;

/**
 * Reads what `synth` wrote. It may come from another machine, another version or another hand, so all of it is checked: sizes,
 * the schema (unknown members are ignored), that references exist, that there is no circle and that names are ones a registry accepts.
 * The files are of one and the same synth, also while another process replaces the directory.
 * @throws STACK1007 when it is missing, of another schema version or not valid.
 */
export async function loadAssembly(directory: string): Promise<Assembly> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await stampOf(directory);
    try {
      const assembly = await loadOnce(directory);
      if ((await stampOf(directory)) === before || attempt === ATTEMPTS) return assembly;
    } catch (error) {
      if ((await stampOf(directory)) === before || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Tells one directory from another that was put in its place while it was being read. */
async function stampOf(directory: string): Promise<string | undefined> {
  for (const pause of [REPLACING, 0]) {
    try {
      const { dev, ino, ctimeNs } = await fs.stat(directory, { bigint: true });
      return [dev, ino, ctimeNs].join(' ');
    } catch (error) {
      if (errnoOf(error) === undefined) throw error; // why else it cannot be read is told when that is tried
      await sleep(pause);
    }
  }
  return undefined;
}

async function loadOnce(directory: string): Promise<Assembly> {
  const { parseManifest, parsePlan, parseTree } = validators();
  // First, and alone: what is missing is then always told in the same way.
  const manifest = await read(directory, ASSEMBLY_FILES.manifest, parseManifest);
  const [plan, tree] = await Promise.all([
    read(directory, ASSEMBLY_FILES.plan, parsePlan),
    read(directory, ASSEMBLY_FILES.tree, parseTree),
  ]);
  const faults = [...planFaults(plan), ...manifestFaults(manifest, plan)];
  if (faults.length > 0) throw invalid(path.join(directory, ASSEMBLY_FILES.plan), faults);
  const output = await fs.realpath(directory);
  return { directory: path.resolve(output, plan.directory), output, plan, manifest, tree: tree.tree };
}

/** Loading the schema library takes longer than a whole synth; only who reads a plan shall pay for it. */
function validators(): typeof validate {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid by every app
  return require('./validate') as typeof validate;
}

async function read<T>(directory: string, name: string, parse: (file: string, text: string) => T): Promise<T> {
  const file = path.join(directory, name);
  try {
    return parse(file, await readBounded(file));
  } catch (error) {
    if (StackError.is(error)) throw error;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
      throw unusable(`there is no synthesized output in '${directory}': ${name} is missing`, error);
    }
    throw unusable(`cannot read '${file}': ${messageOf(error)}`, error);
  }
}

async function readBounded(file: string): Promise<string> {
  // Without O_NONBLOCK the open of a named pipe waits for a writer that may never come.
  const handle = await fs.open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(`'${file}' is not a file`);
    if (stat.size > MAX_BYTES) throw unusable(`'${file}' is larger than ${String(MAX_BYTES)} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
