import { unlessMalformed } from './malformed';
import type { MergeOutcome, MergeRequest } from './merger';
import { Settlement } from './settlement';

/** What a component made of a file. */
export interface Version {
  /** Construct path. */
  readonly component: string;
  readonly content: Buffer;
}

/** One file as the components' shared base has it, and as those have it that changed it. */
export interface Versions {
  readonly path: string;
  /** Undefined where the base has no such file. */
  readonly base: Buffer | undefined;
  /** Bottom to top; empty when nobody changed it. Components that lack a file which the base lacks, too, have no say. */
  readonly changed: readonly Version[];
}

/** What a file says, to the base and to those that changed it. */
export interface ParsedVersions<T> {
  /** Of an empty file where the base has none. */
  readonly base: T;
  readonly sides: readonly { readonly component: string; readonly value: T }[];
}

const EMPTY = Buffer.alloc(0);

/**
 * Reads what the base and the components have at a path.
 * @param into is told when that cannot be compared: something else than a file, or a file that only some removed
 * @param removal whether that is a conflict, or as good as an empty file
 * @returns undefined when there was a problem, or when the file is to be removed
 */
export async function readVersions(
  request: MergeRequest,
  path: string,
  into: Settlement,
  removal: 'conflicts' | 'empties' = 'conflicts',
): Promise<Versions | undefined> {
  const strange = request.components.filter(({ files }) => !isFileOrNothing(files.get(path)?.type));
  if (strange.length > 0) {
    into.notMergeable(
      path,
      'it is not a file everywhere',
      strange.map(({ name }) => name),
      'make it a file in all components, or let one of them win by a conflict rule',
    );
    return undefined;
  }
  const base = await request.base.read(path);
  const changed: Version[] = [];
  const removed: string[] = [];
  for (const { name, files } of request.components) {
    const content = await files.read(path);
    if (content === undefined) {
      if (base === undefined) continue;
      if (removal === 'empties') changed.push({ component: name, content: EMPTY });
      else removed.push(name);
    } else if (base === undefined || !content.equals(base)) {
      changed.push({ component: name, content });
    }
  }
  if (removed.length === 0) return { path, base, changed };
  if (changed.length === 0) {
    into.remove(path);
    return undefined;
  }
  into.conflict(
    path,
    'some components remove it, others change it',
    [...removed, ...changed.map(({ component }) => component)],
    'let all components keep it, or let one of them win by a conflict rule',
  );
  return undefined;
}

function isFileOrNothing(type: string | undefined): boolean {
  return type === undefined || type === 'file' || type === 'hardlink';
}

/** Whether a file is asked for, or has to be looked at beside one that is. */
function isContested({ paths }: MergeRequest, { path, changed }: Versions): boolean {
  return paths.includes(path) || changed.length > 1;
}

/** The only content that components made of a file, where they did not make several. */
export function soleChange({ changed }: Versions): Buffer | undefined {
  const [first, ...others] = changed;
  return others.every(({ content }) => first !== undefined && content.equals(first.content))
    ? first?.content
    : undefined;
}

/**
 * Takes all versions of a file apart.
 * @param into is told of each that is malformed
 * @returns undefined when there was one
 */
export function parseVersions<T>(
  { path, base, changed }: Versions,
  parse: (content: Buffer) => T,
  into: Settlement,
  fix = 'repair the file, or let one component win by a conflict rule',
): ParsedVersions<T> | undefined {
  const attempt = (content: Buffer, components: readonly string[]): T | undefined =>
    unlessMalformed(
      () => parse(content),
      (why) => {
        into.notMergeable(path, why, components, fix);
        return undefined;
      },
    );
  const parsedBase = attempt(base ?? EMPTY, []);
  const sides = changed.flatMap(({ component, content }) => {
    const value = attempt(content, [component]);
    return value === undefined ? [] : [{ component, value }];
  });
  return parsedBase === undefined || sides.length < changed.length ? undefined : { base: parsedBase, sides };
}

/** Reads and takes apart what the base and the components have at a path, if {@link isContested}. */
export async function parseContested<T>(
  request: MergeRequest,
  path: string,
  parse: (content: Buffer) => T,
  into: Settlement,
): Promise<ParsedVersions<T> | undefined> {
  const versions = await readVersions(request, path, into);
  return versions && isContested(request, versions) ? parseVersions(versions, parse, into) : undefined;
}

/**
 * Settles each path of a request for itself. A file that components changed in one way only is taken as it is.
 * @param settle is called for those that they changed in several ways
 */
export async function mergeEach(
  request: MergeRequest,
  settle: (file: Versions, into: Settlement) => void,
): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const path of request.paths) {
    const file = await readVersions(request, path, into);
    if (file === undefined) continue;
    const content = file.changed.length === 0 ? file.base : soleChange(file);
    if (content !== undefined) into.write(path, content);
    else if (file.changed.length > 0) settle(file, into);
  }
  return into;
}
