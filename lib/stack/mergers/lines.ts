import { bytesToName, nameToBytes } from '../../core';
import { Malformed } from './malformed';
import type { RecordFormat } from './record-file';

/** What no real file has. */
const MAX_LINES = 200_000;

/** The lines of a file without their ends. Bytes become characters one by one, so that any come back from {@link formatLines}. */
export function parseLines(content: Buffer): readonly string[] {
  const lines = content.toString('latin1').split('\n', MAX_LINES + 2);
  if (lines.length > MAX_LINES + 1) throw new Malformed(`has more than ${String(MAX_LINES)} lines`);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A file of lines. */
export function formatLines(lines: Iterable<string>): Buffer {
  return Buffer.from([...lines].map((line) => `${line}\n`).join(''), 'latin1');
}

/** The lines of a file that names paths: as {@link bytesToName} gives those; the end of the last one may be missing. */
export function linesOf(content: Buffer): string[] {
  const lines = bytesToName(content).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A file of such lines. */
export function ofLines(lines: Iterable<string>): Buffer {
  return nameToBytes([...lines].map((line) => `${line}\n`).join(''));
}

/** A line as people may read it. */
export function printableLine(line: string): string {
  return Buffer.from(line, 'latin1').toString().replace(/\p{C}/gu, '?').slice(0, 200);
}

/** Files whose lines are a set: each is there or not. What is added comes last, as by `echo LINE >> FILE`. */
export const LINE_SET: RecordFormat<string> = {
  parse(content) {
    const lines = parseLines(content);
    const records = new Map<string, string>();
    const counts = new Map<string, number>();
    for (const line of lines) {
      // Comments and empty lines may be repeated; each is a record of its own.
      const count = line === '' || line.startsWith('#') ? (counts.get(line) ?? 0) + 1 : 1;
      counts.set(line, count);
      records.set(count === 1 ? line : `${line}\n${String(count)}`, line);
    }
    return records;
  },
  format: (records) => formatLines(records.values()),
  isSame: (a, b) => a === b,
  nameOf: ({ key }) => `the line '${printableLine(key)}'`,
};
