import { promises as fs, existsSync, statfsSync } from 'node:fs';
import * as path from 'node:path';
import { randomBytes } from 'node:crypto';
import { StackError, writeFailure } from '../../core';
import type { Driver } from './drivers';
import { findTool } from './host-facts';
import type { Namespace, ToolOptions } from './namespace';
import { runScript } from './run-script';
import { removeTree } from './trees';

/** What scripts are to be run with: an OCI runtime (crun or runc), util-linux alone, or the first of them that works. */
export type SandboxChoice = 'auto' | 'oci-runtime' | 'unshare';

const OCI_RUNTIMES = ['crun', 'runc'] as const satisfies readonly Driver[];

/** Where a host has what a shell and a few tools are made of. */
const HOST_SYSTEM = ['/bin', '/usr', '/lib', '/lib64', '/nix'];
/** Does with an overlay what cannot be done on every file system: removing a file and a directory of the base. */
const PROBE = `#!/bin/sh
set -e
rm -r /probe/directory
mkdir /probe/directory
test ! -e /probe/directory/file
`;

/** File systems that cannot hold the upper directory of an overlay, by their magic numbers (statfs(2)). */
const UNUSABLE: ReadonlyMap<number, string> = new Map([
  [0x794c7630, 'overlayfs, as in most containers'],
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9p'],
]);

/**
 * Finds what scripts can be run with, by running one.
 * @param directory on the file system where layers are kept
 * @throws StackError STACK4010, which says what does not work and what to do; STACK7001, STACK7002
 */
export async function chooseDriver(
  namespace: Namespace,
  choice: SandboxChoice,
  directory: string,
  options: ToolOptions = {},
): Promise<Driver> {
  const runtimes = OCI_RUNTIMES.filter((runtime) => findTool(runtime) !== undefined);
  const drivers: Driver[] = [
    ...(choice === 'unshare' ? [] : runtimes),
    ...(choice === 'oci-runtime' ? [] : ['unshare' as const]),
  ];
  let problem = new StackError('STACK4010', 'no OCI runtime is installed', {
    hint: 'install crun or runc, or leave the choice of the sandbox to cdk-stack',
  });
  for (const driver of drivers) {
    const found = await problemOf(namespace, driver, directory, options);
    if (found === undefined) return driver;
    problem = found;
  }
  throw problem;
}

async function problemOf(
  namespace: Namespace,
  driver: Driver,
  directory: string,
  { signal }: ToolOptions,
): Promise<StackError | undefined> {
  const home = path.join(directory, `probe-${randomBytes(4).toString('hex')}`);
  try {
    const { lower, upper, work } = await makeLayers(home);
    let output = '';
    const { status } = await runScript(namespace, driver, {
      lowers: [lower],
      upper,
      work,
      script: PROBE,
      env: {},
      network: 'host',
      mounts: HOST_SYSTEM.filter(existsSync).map((source) => ({ source, target: source, readonly: true })),
      onOutput: (chunk) => {
        output += chunk.toString('utf8');
      },
      signal,
    });
    return status === 0 ? undefined : explain(`removing files of the base fails: ${output.trim()}`, directory);
  } catch (error) {
    if (!StackError.is(error) || error.code !== 'STACK4010') throw error;
    return explain(error.message, directory);
  } finally {
    await removeTree(namespace, home);
  }
}

async function makeLayers(home: string): Promise<{ lower: string; upper: string; work: string }> {
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => path.join(home, name)) as [
    string,
    string,
    string,
  ];
  try {
    await fs.mkdir(path.join(lower, 'probe/directory'), { recursive: true });
    await fs.writeFile(path.join(lower, 'probe/directory/file'), '');
    await fs.mkdir(upper);
  } catch (error) {
    throw writeFailure('STACK7001', `'${home}'`, error);
  }
  return { lower, upper, work };
}

/** Mostly it is the file system, about which the kernel's own words say little. */
function explain(message: string, directory: string): StackError {
  const fileSystem = UNUSABLE.get(statfsSync(directory).type);
  if (fileSystem === undefined) return new StackError('STACK4010', message);
  return new StackError(
    'STACK4010',
    `overlayfs cannot keep changes in '${directory}', which is on ${fileSystem}: ${message}`,
    {
      hint: 'set STACK_HOME to a directory on ext4, xfs, btrfs or tmpfs; in a container, on a volume',
    },
  );
}
