import { TAR_END } from '../../../pack';
import type { MergeOutcome, Merger, MergeRequest } from '../merger';
import { mergeRecords, type Records } from '../records';
import { ofLines } from '../lines';
import { Settlement } from '../settlement';
import { parseContested, parseVersions, readVersions, type ParsedVersions } from '../versions';
import { checksumOfScript, inPackageOrder, parseScripts, parseTriggers } from './by-package';
import { findBroken } from './dependencies';
import { formatInstalled, mergeInstalled, parseInstalled } from './installed';
import { mergeWorld, parseWorld } from './world';

/** Where the database of Alpine Linux is; newer systems have it below /usr. */
const DATABASES = ['lib/apk/db', 'usr/lib/apk/db'];

/** What was asked for: of the system, and of packages that live in memory only. */
const WORLDS = ['etc/apk/world', ...DATABASES.map((database) => `${database}/world`)];

/** The database of apk, by package: its files are those that apk writes when it installs all of them. */
export const apk: Merger = {
  name: 'apk',
  version: 2,
  paths: [...WORLDS, ...DATABASES.map((database) => `${database}/{installed,scripts.tar,scripts.tar.gz,triggers}`)].map(
    (path) => `/${path}`,
  ),
  merge,
};

async function merge(request: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const world of WORLDS) {
    const parsed = await parseContested(request, world, parseWorld, into);
    if (parsed === undefined) continue;
    const { constraints, problems } = mergeWorld(world, parsed);
    into.problems.push(...problems);
    into.write(world, ofLines(constraints));
  }
  for (const database of DATABASES) await mergeDatabase(request, database, into);
  return into;
}

async function mergeDatabase(request: MergeRequest, database: string, into: Settlement): Promise<void> {
  const installed = `${database}/installed`;
  const checksums = await mergePackages(request, installed, into);
  const triggers = await parseContested(request, `${database}/triggers`, parseTriggers, into);
  if (triggers !== undefined) {
    const records = mergeParts(`${database}/triggers`, triggers, (a, b) => a === b, into);
    into.write(`${database}/triggers`, ofLines(inPackageOrder(records, (checksum) => checksum, checksums)));
  }
  const scripts = await parseContested(request, `${database}/scripts.tar`, parseScripts, into);
  if (scripts !== undefined) {
    const records = mergeParts(`${database}/scripts.tar`, scripts, (a, b) => a.equals(b), into);
    const members = inPackageOrder(records, checksumOfScript, checksums);
    into.write(`${database}/scripts.tar`, Buffer.concat([...members, TAR_END]));
  }
  const compressed = `${database}/scripts.tar.gz`;
  if (request.paths.includes(compressed)) {
    into.notMergeable(
      compressed,
      'compressed scripts cannot be written as apk does it',
      request.components.map(({ name }) => name),
      `let the base have ${database}/scripts.tar, which apk then goes on to use`,
    );
  }
}

/** Merges the packages. @returns the checksums of all, in their order */
async function mergePackages(request: MergeRequest, path: string, into: Settlement): Promise<readonly string[]> {
  const versions = await readVersions(request, path, into);
  const parsed = versions && parseVersions(versions, parseInstalled, into); // also for the order of the other files
  if (parsed === undefined) return [];
  const { packages, problems } = mergeInstalled(path, parsed);
  into.problems.push(...problems);
  // Of packages that contradict each other nobody knows what they would need.
  if (problems.length === 0) into.problems.push(...findBroken(path, packages, parsed.sides));
  if (parsed.sides.length > 0) into.write(path, formatInstalled(packages));
  return [...packages.values()].map(({ checksum }) => checksum);
}

/** Merges what packages have; their version decides it, so that different ones are of packages that differ. */
function mergeParts<R>(
  path: string,
  { base, sides }: ParsedVersions<Records<R>>,
  isSame: (a: R, b: R) => boolean,
  into: Settlement,
): Records<R> {
  const merged = mergeRecords(
    base,
    sides.map(({ component, value }) => ({ component, records: value })),
    { isSame },
  );
  for (const { key, changes } of merged.conflicts) {
    into.conflict(
      path,
      `components have different records of ${key}`,
      changes.map(({ component }) => component),
      'install that package in a layer below that the components share',
    );
  }
  return merged.records;
}
