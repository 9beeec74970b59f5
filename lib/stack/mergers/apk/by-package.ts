import { StackError } from '../../../core';
import { tarMembers } from '../../../pack';
import type { Records } from '../records';
import { linesOf } from '../lines';
import { Malformed } from '../malformed';

/**
 * The lines of `triggers`, by the checksum of their package.
 * @throws Malformed
 */
export function parseTriggers(content: Buffer): Records<string> {
  const triggers = new Map<string, string>();
  for (const line of linesOf(content)) {
    const [checksum] = line.split(' ', 1);
    if (checksum === undefined || !/^Q\d/.test(checksum)) throw new Malformed('a line is no trigger');
    if (triggers.has(checksum)) throw new Malformed(`the package ${checksum} stands there twice`);
    triggers.set(checksum, line);
  }
  return triggers;
}

/**
 * The members of `scripts.tar`, by name: `NAME-VERSION.CHECKSUM.post-install`.
 * @throws Malformed
 */
export function parseScripts(content: Buffer): Records<Buffer> {
  const scripts = new Map<string, Buffer>();
  for (const { path, bytes } of membersOf(content)) {
    if (scripts.has(path)) throw new Malformed(`the script '${path}' stands there twice`);
    scripts.set(path, bytes);
  }
  return scripts;
}

function membersOf(content: Buffer): ReturnType<typeof tarMembers> {
  if (content.length === 0) return [];
  try {
    return tarMembers(content);
  } catch (error) {
    if (!StackError.is(error)) throw error;
    throw new Malformed(error.message);
  }
}

/** The package's checksum in the name of a script, as the other files have it. */
export function checksumOfScript(path: string): string | undefined {
  const hex = /\.((?:[0-9a-f]{2}){8,64})\.[a-z-]+$/.exec(path)?.[1];
  return hex === undefined ? undefined : `Q1${Buffer.from(hex, 'hex').toString('base64')}`;
}

/** Records in the order of their packages; where they belong to none, behind them. */
export function inPackageOrder<R>(
  records: Records<R>,
  checksumOf: (key: string) => string | undefined,
  checksums: readonly string[],
): R[] {
  const places = new Map(checksums.map((checksum, at) => [checksum, at]));
  const placed = [...records].map(([key, record]) => ({
    record,
    place: places.get(checksumOf(key) ?? '') ?? checksums.length,
  }));
  return placed.sort((a, b) => a.place - b.place).map(({ record }) => record);
}
