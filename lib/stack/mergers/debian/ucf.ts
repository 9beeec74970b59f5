import { createHash } from 'node:crypto';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed } from '../malformed';
import type { Files, MergeOutcome, Merger, MergeRequest } from '../merger';
import { mergeRecords, type Records } from '../records';
import { Settlement } from '../settlement';
import { parseContested, type ParsedVersions } from '../versions';

const HASHES = 'var/lib/ucf/hashfile';
const REGISTRY = 'var/lib/ucf/registry';

/** What ucf(1) knows of configuration files that are no conffiles: whose they are, and the hash of the version it offered last. */
export const ucf: Merger = {
  name: 'ucf',
  version: 1,
  paths: [`/${HASHES}`, `/${REGISTRY}`],
  merge,
};

/** The lines of such a file, by the configuration file at their ends. */
type Lines = Records<string>;

async function merge(request: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const [path, form] of [
    [HASHES, /^\\?[0-9a-f]{32} [ *](.+)$/],
    [REGISTRY, /^\S+\s+(\/.*)$/],
  ] as const) {
    const parsed = await parseContested(request, path, (content) => parse(content, form), into);
    if (parsed !== undefined) await mergeLines(path, parsed, request.stacked, into);
  }
  return into;
}

function parse(content: Buffer, form: RegExp): Lines {
  const lines = new Map<string, string>();
  for (const line of parseLines(content)) {
    const file = form.exec(line)?.[1];
    if (file === undefined) throw new Malformed(`has a line that is not ucf's: ${printableLine(line)}`);
    if (lines.has(file)) throw new Malformed(`has two lines about ${printableLine(file)}`);
    lines.set(file, line);
  }
  return lines;
}

async function mergeLines(
  path: string,
  { base, sides }: ParsedVersions<Lines>,
  stacked: Files,
  into: Settlement,
): Promise<void> {
  const records = sides.map(({ component, value }) => ({ component, records: value }));
  const isSame = (a: string, b: string): boolean => a === b;
  const contested = mergeRecords(base, records, { isSame }).conflicts;
  const known = new Map<string, string>();
  if (path === HASHES) {
    for (const { key } of contested) {
      const line = await hashLine(key, stacked);
      if (line !== undefined) known.set(key, line);
    }
  }
  const merged = mergeRecords(base, records, {
    isSame,
    settle: ({ key }) => (known.has(key) ? { record: known.get(key) } : undefined),
  });
  for (const { key, changes } of merged.conflicts) {
    into.conflict(
      path,
      `what ucf knows of ${printableLine(key)} is not the same`,
      changes.map(({ component }) => component),
      'install its package in a layer below that the components share',
    );
  }
  into.write(path, formatLines(inUcfsOrder(merged.records, base, sides)));
}

/**
 * The line of a file whose versions another merger has made one of: the hash is that of the version which ucf keeps for comparing.
 */
async function hashLine(file: string, stacked: Files): Promise<string | undefined> {
  const kept = await stacked.read(`var/lib/ucf/cache/${file.replaceAll('/', ':')}`);
  return kept && `${createHash('md5').update(kept).digest('hex')}  ${file}`;
}

/** ucf takes the line of a file away and adds another one at the end, unless its package is configured already. */
function inUcfsOrder(merged: Lines, base: Lines, sides: ParsedVersions<Lines>['sides']): readonly string[] {
  const places = new Map<string, number>();
  for (const [key, line] of merged) {
    const changed = sides.flatMap(({ value }, at) => (value.get(key) === base.get(key) ? [] : [at]));
    const isOne = new Set(changed.map((at) => sides[at]?.value.get(key))).size === 1;
    places.set(key, line === base.get(key) ? -1 : ((isOne ? changed[0] : changed.at(-1)) ?? -1));
  }
  return [base, ...sides.map(({ value }) => value)].flatMap((lines, at) =>
    [...lines.keys()].flatMap((key) => (places.get(key) === at - 1 ? (merged.get(key) ?? []) : [])),
  );
}
