import picomatch from 'picomatch';
import type { Entry } from '../../../lib/pack';
import type { Files, Merger, MergeRequest } from '../../../lib/stack/mergers/merger';
import { file, link } from '../combination';

/** Contents of files by path; `-> target` is a symbolic link. */
export type Contents = Readonly<Record<string, string | Buffer>>;

/** Files in memory. */
export function filesOf(contents: Contents): Files {
  const entries = new Map<string, Entry>();
  for (const path of Object.keys(contents).sort()) {
    const content = contents[path]!;
    const target = /^-> (.*)$/.exec(content.toString())?.[1];
    entries.set(path, target === undefined ? file(path, content.toString()) : link(path, target));
  }
  return {
    get: (path) => entries.get(path),
    under: (path) => [...entries.values()].filter((entry) => entry.path === path || entry.path.startsWith(`${path}/`)),
    read: (path) =>
      Promise.resolve(entries.get(path)?.type === 'file' ? Buffer.from(contents[path] as string) : undefined),
  };
}

/** A request to merge components a, b, … that have a base in common; its paths are those at which they differ. */
export function requestOf(base: Contents, ...components: readonly Contents[]): MergeRequest {
  const all = [base, ...components];
  const paths = [...new Set(all.flatMap((contents) => Object.keys(contents)))].sort();
  const isContested = (path: string): boolean => {
    const changed = components.map((each) => textOf(each[path])).filter((each) => each !== textOf(base[path]));
    return new Set(changed).size > 1;
  };
  const stacked = { ...base };
  for (const each of components) {
    for (const path of paths) {
      const content = each[path];
      if (textOf(content) === textOf(base[path])) continue;
      if (content === undefined) delete stacked[path];
      else stacked[path] = content;
    }
  }
  return {
    paths: paths.filter(isContested),
    base: filesOf(base),
    components: components.map((each, at) => ({ name: String.fromCharCode(97 + at), files: filesOf(each) })),
    stacked: filesOf(stacked),
  };
}

/** A request of nothing but a merger's own paths. */
export function requestFor(merger: Merger, request: MergeRequest): MergeRequest {
  const isOwn = picomatch([...merger.paths], { dot: true });
  return { ...request, paths: request.paths.filter((path) => isOwn(`/${path}`)) };
}

/** What a merger makes, by path: text, `-> target`, or undefined for nothing; or its problems in short. */
export async function outcomeOf(
  merger: Merger,
  request: MergeRequest,
): Promise<Record<string, string | undefined> | string[]> {
  const { files, problems } = await merger.merge(request);
  if (problems.length > 0)
    return problems.map(({ code, message, components }) => `${code} ${message} [${components.join(' ')}]`);
  return Object.fromEntries(
    [...files].map(([path, made]) => [
      path,
      made.type === 'file'
        ? made.content.toString('latin1')
        : made.type === 'symlink'
          ? `-> ${made.target}`
          : undefined,
    ]),
  );
}

function textOf(content: string | Buffer | undefined): string | undefined {
  return content?.toString('latin1');
}
