import picomatch from 'picomatch';
import type { Merger, MergeRequest } from '../../../lib/stack/mergers/merger';

export { requestOf, type Image } from './images';

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
