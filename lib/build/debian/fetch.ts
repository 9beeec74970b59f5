import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { StackError } from '../../core';
import type { LockedPackage } from '../../plan';
import type { Apt } from './apt';
import { formatProblem, parseProblems, unquote, type AptArchive } from './apt-output';
import { hashFile } from '../host-files';
import { formatSpec } from './request';
import type { PackageStore } from './store';

/** Digest of a package's .deb file, by which it is in the store. */
export function debDigest({ sha256 }: LockedPackage): string {
  return `sha256:${sha256}`;
}

/** Where packages are fetched from and to. */
export interface FetchContext {
  readonly apt: Apt;
  readonly store: PackageStore;
  readonly suite?: string | undefined;
  /** Key of the entry in the lock file, for messages. */
  readonly key: string;
}

/**
 * Downloads packages and takes them into the store: all of them, once all are verified, or none.
 *
 * @throws StackError, naming the package: STACK3012 when its version is no longer offered, STACK3001 when its bytes are not the
 * locked ones, STACK3011 when it cannot be downloaded
 */
export async function fetchPackages(packages: readonly LockedPackage[], context: FetchContext): Promise<void> {
  const { store } = context;
  const archives = await findOffers(packages, context);
  const directory = await store.temporaryDirectory();
  try {
    await download(packages, archives, directory, context);
    const files = packages.map((each) => ({ each, file: path.join(directory, archives.get(each.name)?.file ?? '') }));
    for (const { each, file } of files) await verify(each, file);
    for (const { each, file } of files) await store.adopt(file, debDigest(each), each.size);
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

/** The archives that are offered for locked packages, by name; the same bytes, if the sources are to be believed. */
async function findOffers(
  packages: readonly LockedPackage[],
  { apt, suite, key }: FetchContext,
): Promise<Map<string, AptArchive>> {
  const problems = await apt.update();
  const offered = await apt.policies(
    packages.map(({ name }) => name),
    suite,
  );
  const gone = packages.filter(({ name, version }) => offered.get(name)?.versions.includes(version) !== true);
  if (gone.length > 0 && problems.length > 0) {
    const left = problems.map(formatProblem).join('; ');
    throw new StackError('STACK3011', `cannot find ${describe(gone)}, and these sources could not be used: ${left}`, {
      hint: 'see that the sources can be reached and that their keys are installed',
    });
  }
  if (gone.length > 0) {
    throw new StackError(
      'STACK3012',
      `${describe(gone)} ${gone.length === 1 ? 'is' : 'are'} locked, but no longer offered by ${apt.sourcesName}`,
      {
        hint: `run stack update '${key}' to lock what is offered now, or let 'sources' name a snapshot mirror, which keeps old versions`,
      },
    );
  }
  const archives = await apt.archives(packages.map(formatSpec), suite);
  if (!archives.ok)
    throw new StackError('STACK3011', `cannot find ${describe(packages)}: ${reasons(archives.output.stderr)}`);
  const byName = new Map(archives.value.map((archive) => [archive.name, archive]));
  for (const each of packages) {
    const archive = byName.get(each.name);
    if (archive?.sha256 !== each.sha256) throw wrongChecksum(each, `${apt.sourcesName} offer other bytes`, key);
  }
  return byName;
}

async function download(
  packages: readonly LockedPackage[],
  archives: ReadonlyMap<string, AptArchive>,
  directory: string,
  { apt, key }: FetchContext,
): Promise<void> {
  const outcome = await apt.download(packages.map(formatSpec), directory);
  if (outcome.ok) return;
  for (const { source, cause } of parseProblems(outcome.output.stderr)) {
    const each = packages.find(({ name }) => source !== undefined && sameFile(archives.get(name)?.uri ?? '', source));
    if (each === undefined) continue;
    if (/^(Hash Sum mismatch|File has unexpected size)/.test(cause))
      throw wrongChecksum(each, `${source ?? ''} has other bytes`, key);
    throw new StackError('STACK3011', `cannot fetch ${describe([each])} from ${source ?? ''}: ${cause}`, {
      hint: 'see that the mirror can be reached and is complete',
    });
  }
  throw new StackError('STACK3011', `cannot fetch ${describe(packages)}: ${reasons(outcome.output.stderr)}`);
}

async function verify(locked: LockedPackage, file: string): Promise<void> {
  const sha256 = await hashFile(file);
  const { size } = await fs.stat(file);
  if (sha256 === locked.sha256 && size === locked.size) return;
  throw new StackError(
    'STACK3001',
    `${describe([locked])}: expected ${String(locked.size)} bytes with sha256 ${locked.sha256}, got ${String(size)} bytes with ${sha256}`,
  );
}

function wrongChecksum(locked: LockedPackage, what: string, key: string): StackError {
  return new StackError('STACK3001', `${describe([locked])} does not have the sha256 ${locked.sha256}: ${what}`, {
    hint: `if the package was rightly built anew, run stack update '${key}'`,
  });
}

function describe(packages: readonly LockedPackage[]): string {
  return `package ${packages.map(({ name, version }) => `'${name}' ${version}`).join(', ')}`;
}

function reasons(stderr: string): string {
  return parseProblems(stderr).map(formatProblem).join('; ') || 'apt-get does not say why';
}

/** A mirror may redirect, so that an error names another host than the list does. */
function sameFile(listed: string, failed: string): boolean {
  const name = (uri: string): string => unquote(uri.slice(uri.lastIndexOf('/') + 1));
  return listed === failed || name(listed) === name(failed);
}
