import { readFileSync, realpathSync, statSync } from 'node:fs';
import { compareNames, errnoOf, messageOf, StackError } from '../../core';
import { hostMount, memoryMount, standardMounts, type HostPath, type MountFacts, type MountLine } from './mounts';
import type { RunOptions } from './run-options';
import { isSecretFile } from './secrets';
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
 * @throws StackError STACK3003 for a mount whose source is not there, STACK4010 for one whose target cannot be
 */
export function contentsOf(options: RunOptions, facts: MountFacts): Contents {
  const { mounts = [], network, script } = options;
  const { work, table } = facts;
  const secrets = (options.secrets ?? []).filter(isSecretFile);
  const secretName = (index: number): string => `secret-${String(index)}`;
  const asked = [
    ...mounts.map((mount) => hostMount(mount, realSource(mount.source), table)),
    ...secrets.map(({ target }, index) => memoryMount(work, secretName(index), target, 'bind,ro')),
  ];
  const names = network === 'host' && !asked.some(({ target }) => target === RESOLV_CONF) ? hostNames() : undefined;
  return {
    files: [
      { name: 'script', content: script, ...(script.startsWith('#!') ? { mode: 'executable' } : {}) },
      ...secrets.map(({ content }, index) => ({ name: secretName(index), content, mode: 'secret' as const })),
      ...(names === undefined ? [] : [{ name: 'resolv.conf', content: names }]),
    ],
    mounts: [
      ...standardMounts(facts),
      memoryMount(work, 'script', SCRIPT, 'bind,ro'),
      // A copy, so that a script may write to it as it could elsewhere.
      ...(names === undefined ? [] : [memoryMount(work, 'resolv.conf', RESOLV_CONF, 'bind')]),
      ...asked.sort((a, b) => compareNames(a.target, b.target)), // a directory before what is mounted in it
    ],
  };
}

/** Resolved, on the host. */
function realSource(source: string): HostPath {
  try {
    const path = realpathSync(source);
    return { path, isDirectory: statSync(path).isDirectory() };
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
