import type { MergedFile, MergeOutcome, MergeRequest } from './merger';
import { readContents } from './read';
import { mergeRecords, type RecordConflict, type RecordRules, type Records, type Side } from './records';

/** A form of files that are sets of records. */
export interface RecordFormat<R> extends RecordRules<R> {
  parse(content: Buffer): Records<R>;
  /** @param records merged: the base's in its order, then what components added, bottom to top */
  format(records: Records<R>): Buffer;
  /** What a conflict is about: `the diversion of /bin/sh`. */
  nameOf(conflict: RecordConflict<R>): string;
  /** Whether a file without records is removed, and not left empty. */
  readonly removesEmpty?: boolean;
}

/**
 * Merges one file by its records; where there is none there are no records.
 * @param adjust the sides before they are merged, for what else is known about them
 * @throws StackError STACK5023, STACK7004
 */
export async function mergeRecordFile<R>(
  request: MergeRequest,
  path: string,
  format: RecordFormat<R>,
  adjust: (sides: readonly Side<R>[]) => readonly Side<R>[] = (sides) => sides,
): Promise<MergeOutcome> {
  const read = await readContents(request, path, (content) => format.parse(content));
  if (!read.ok) return { files: new Map(), problems: read.problems };
  const { base, sides } = read.contents;
  const none = new Map<string, R>();
  const { records, conflicts } = mergeRecords(
    base ?? none,
    adjust(sides.map(({ component, value }) => ({ component, records: value ?? none }))),
    format,
  );
  if (conflicts.length > 0) {
    const problems = conflicts.map((conflict) => {
      const components = conflict.changes.map(({ component }) => component);
      const name = format.nameOf(conflict);
      const message = `${name} is not the same in ${components.join(' and ')}`;
      return { code: 'MERGE_CONFLICT', path, message, components, fix: `settle ${name} in the shared base` } as const;
    });
    return { files: new Map(), problems };
  }
  const isGone = records.size === 0 && (format.removesEmpty ?? sides.some(({ value }) => value === undefined));
  const file: MergedFile = isGone ? { type: 'removed' } : { type: 'file', content: format.format(records) };
  return { files: new Map([[path, file]]), problems: [] };
}

/** Settles all paths of a request, each for itself. */
export async function mergeEachPath(
  request: MergeRequest,
  merge: (path: string) => Promise<MergeOutcome>,
): Promise<MergeOutcome> {
  const outcomes: MergeOutcome[] = [];
  for (const path of request.paths) outcomes.push(await merge(path));
  return {
    files: new Map(outcomes.flatMap(({ files }) => [...files])),
    problems: outcomes.flatMap(({ problems }) => problems),
  };
}
