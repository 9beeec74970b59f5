import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { compareNames, errnoOf, messageOf, StackError } from '../../core';
import { parseMountInfo } from './mount-table';
import { fileMount, hostMount, standardMounts, type MountLine } from './mounts';
import type { RunOptions } from './run-options';
import type { SandboxFile } from './setup-script';

/** Where the script is in a sandbox. */
export const SCRIPT = '/stack/script';
const RESOLV_CONF = '/etc/resolv.conf';
const DEFAULT_SHELL = ['/bin/sh', '-xe', SCRIPT] as const;

/** Files that a sandbox has, and what is mounted in it. */
export interface Contents {
  readonly files: readonly SandboxFile[];
  readonly mounts: readonly MountLine[];
}

/** What runs a script: its own `#!` line, else a shell that stops at the first failure and shows what it does. */
export function commandOf(script: string): { readonly command: readonly string[]; readonly interpreter: string } {
  const own = /^#![ \t]*([^\s]+)/.exec(script)?.[1];
  return own === undefined
    ? { command: DEFAULT_SHELL, interpreter: DEFAULT_SHELL[0] }
    : { command: [SCRIPT], interpreter: own };
}

/**
 * What a sandbox has besides the base.
 * @param tmpfs where the sandbox's own tmpfs is mounted
 * @throws StackError STACK3003 for a mount whose source is not there, STACK4010 for one whose target cannot be
 */
export function contentsOf(options: RunOptions, tmpfs: string, isInitialNamespace: boolean): Contents {
  const { mounts = [], secrets = [], network, script } = options;
  const place = (name: string): string => `${tmpfs}/${name}`;
  const table = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  const secret = (index: number): string => `files/secret-${String(index)}`;
  const asked = [
    ...mounts.map((mount) => {
      const source = realSource(mount.source);
      return hostMount(mount, statSync(source).isDirectory(), source, table);
    }),
    ...secrets.map(({ target }, index) => fileMount(target, place(secret(index)), 'bind,ro')),
  ];
  const names = network === 'host' && !asked.some(({ target }) => target === RESOLV_CONF) ? hostNames() : undefined;
  return {
    files: [
      { name: 'stack/script', mode: '555', content: script },
      ...secrets.map(({ content }, index) => ({ name: secret(index), mode: '400', content })),
      ...(names === undefined ? [] : [{ name: 'files/resolv.conf', mode: '644', content: names }]),
    ],
    mounts: [
      ...standardMounts({ tmpfs, isInitialNamespace, exists: existsSync }),
      // A copy, so that a script may write to it as it could elsewhere.
      ...(names === undefined ? [] : [fileMount(RESOLV_CONF, place('files/resolv.conf'), 'bind')]),
      ...asked.sort((a, b) => compareNames(a.target, b.target)), // a directory before what is mounted in it
    ],
  };
}

function realSource(source: string): string {
  try {
    return realpathSync(source);
  } catch (error) {
    throw new StackError('STACK3003', `'${source}' cannot be mounted in a sandbox: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** How the host finds names of other hosts; undefined where it has no such file. */
function hostNames(): Buffer | undefined {
  try {
    return readFileSync(RESOLV_CONF);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
