import type { Files, MergeProblem, MergeRequest } from './merger';
import { unlessMalformed } from './malformed';

/** What the base and each component have at a path. */
export interface Contents<T> {
  /** Undefined where there is nothing. */
  readonly base: T | undefined;
  /** Bottom to top. */
  readonly sides: readonly { readonly component: string; readonly value: T | undefined }[];
}

/** What was read, or why it cannot be merged. */
export type ReadOutcome<T> =
  | { readonly ok: true; readonly contents: Contents<T> }
  | { readonly ok: false; readonly problems: readonly MergeProblem[] };

/**
 * Reads a file of the base and of all components. What is the same everywhere is parsed once.
 * @param parse may throw Malformed
 * @throws StackError STACK5023, STACK7004
 */
export async function readContents<T>(
  request: MergeRequest,
  path: string,
  parse: (content: Buffer) => T,
): Promise<ReadOutcome<T>> {
  const known: { readonly content: Buffer; readonly value: T }[] = [];
  const faults = new Map<string, Set<string>>();
  const note = (fault: string, owners: readonly string[]): undefined => {
    faults.set(fault, new Set([...(faults.get(fault) ?? []), ...owners]));
  };
  const read = async (files: Files, owners: readonly string[]): Promise<T | undefined> => {
    const content = await files.read(path);
    if (content === undefined) return files.get(path) === undefined ? undefined : note('is not a file', owners);
    const found = known.find((each) => each.content.equals(content));
    if (found !== undefined) return found.value;
    return unlessMalformed(
      () => {
        const value = parse(content);
        known.push({ content, value });
        return value;
      },
      (why) => note(why, owners),
    );
  };
  const sides = [];
  for (const { name, files } of request.components) sides.push({ component: name, value: await read(files, [name]) });
  const everybody = request.components.map(({ name }) => name);
  const base = await read(request.base, everybody);
  if (faults.size === 0) return { ok: true, contents: { base, sides } };
  return { ok: false, problems: [...faults].map(([text, owners]) => notMergeable(path, [...owners], text)) };
}

/** The problem of a file that has no meaning. */
export function notMergeable(path: string, components: readonly string[], text: string): MergeProblem {
  return {
    code: 'NOT_MERGEABLE',
    path,
    message: `/${path} ${text}`,
    components,
    fix: `repair /${path} where it was written`,
  };
}
