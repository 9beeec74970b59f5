import { formatRepository, isTag, MAX_DOCUMENT, parseDocument } from '../oci';
import type { Access } from './access';
import { RequestFailure } from './failure';
import { resolveLocation } from './host';
import { readBody, readStart } from './http';
import { scopeOf } from './scopes';

const MAX_PAGES = 10_000;

/**
 * The pages of a list, along their `Link` headers; undefined in place of a page with one of the statuses in `absent`.
 * @throws StackError STACK6110 and those of any request
 */
export async function* pages(
  access: Access,
  path: string,
  what: string,
  absent: readonly number[],
): AsyncGenerator<unknown> {
  let target: string | URL | undefined = path;
  for (let page = 0; target !== undefined; page += 1) {
    if (page >= MAX_PAGES) throw new RequestFailure('STACK6110', `cannot ${what}: the list has no end`);
    const { repository, signal } = access;
    const call = {
      what,
      method: 'GET' as const,
      target,
      repository,
      scopes: [scopeOf(repository.name, 'pull')],
      signal,
    };
    const answer: { readonly document: unknown; readonly next: URL | undefined } = await access.host.send(
      { ...call, expected: [200, ...absent] },
      async (response) => {
        if (response.status !== 200) {
          await readStart(response, 0);
          return { document: undefined, next: undefined };
        }
        const document = parseDocument(await readBody(response, MAX_DOCUMENT), what);
        const link = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(response.header('link') ?? '')?.[1];
        return {
          document,
          next: link === undefined ? undefined : resolveLocation(link, response.url, access.host.base),
        };
      },
    );
    yield answer.document;
    target = answer.next;
  }
}

/**
 * The tags of a repository, page by page (distribution-spec, *Listing Tags*).
 * @throws StackError STACK6107, STACK6110 and those of any request
 */
export async function* listTags(access: Access): AsyncGenerator<string> {
  const what = `list the tags of ${formatRepository(access.repository)}`;
  for await (const page of pages(access, `${access.repository.name}/tags/list?n=1000`, what, [])) {
    const { tags } = (page ?? {}) as { readonly tags?: unknown };
    if (tags === undefined || tags === null) continue; // a repository with none
    if (!Array.isArray(tags)) throw new RequestFailure('STACK6110', `cannot ${what}: the answer has no list`);
    for (const tag of tags as unknown[]) if (typeof tag === 'string' && isTag(tag)) yield tag;
  }
}
