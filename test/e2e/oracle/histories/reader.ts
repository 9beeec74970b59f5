import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Document {
  readonly manifests?: readonly Descriptor[];
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
}

/** Gets a blob or manifest by what a descriptor says. */
type Get = (descriptor: Descriptor) => Promise<Buffer>;

const DOCUMENT = /\.(index|manifest)\.v1\+json$/;

/**
 * Reads everything that an index or manifest leads to, independently of the code under test.
 * @returns digests of all of it
 * @throws Error for what is missing, or has another size or digest
 */
export async function readAll(get: Get, top: readonly Descriptor[]): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const todo = [...top];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next.digest)) continue;
    seen.add(next.digest);
    const content = await get(next);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    if (digest !== next.digest || content.length !== next.size) {
      throw new Error(`${next.digest} of ${String(next.size)} bytes is ${digest} of ${String(content.length)}`);
    }
    if (!DOCUMENT.test(next.mediaType)) continue;
    const { manifests = [], config, layers = [] } = JSON.parse(content.toString()) as Document;
    todo.push(...manifests, ...(config === undefined ? [] : [config]), ...layers);
  }
  return seen;
}

/** Reads a whole layout. @throws Error as {@link readAll}; also for a blob that no image of it has */
export async function readLayout(directory: string): Promise<void> {
  const index = JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8')) as Document;
  const blobs = path.join(directory, 'blobs/sha256');
  const get: Get = ({ digest }) => Promise.resolve(fs.readFileSync(path.join(blobs, digest.slice('sha256:'.length))));
  const seen = await readAll(get, index.manifests ?? []);
  const stray = fs.readdirSync(blobs).filter((name) => !seen.has(`sha256:${name}`));
  if (stray.length > 0) throw new Error(`no image has ${stray.join(', ')}`);
}

/** Reads what a tag of a registry leads to. @throws Error as {@link readAll}, and when the tag names another digest */
export async function readTag(host: string, repository: string, tag: string, expected: string): Promise<void> {
  const accept = ['index', 'manifest'].map((kind) => `application/vnd.oci.image.${kind}.v1+json`).join(', ');
  const url = (kind: string, name: string): string => `http://${host}/v2/${repository}/${kind}/${name}`;
  const fetched = async (at: string): Promise<Response> => {
    const response = await fetch(at, { headers: { accept } });
    if (!response.ok) throw new Error(`${at}: ${String(response.status)}`);
    return response;
  };
  const top = await fetched(url('manifests', tag));
  const size = Buffer.from(await top.arrayBuffer()).length;
  const mediaType = top.headers.get('content-type') ?? '';
  const get: Get = async (descriptor) => {
    const kind = DOCUMENT.test(descriptor.mediaType) ? 'manifests' : 'blobs';
    return Buffer.from(await (await fetched(url(kind, descriptor.digest))).arrayBuffer());
  };
  await readAll(get, [{ mediaType, digest: expected, size }]);
  const named = top.headers.get('docker-content-digest');
  if (named !== expected) throw new Error(`${repository}:${tag} is ${String(named)}, not ${expected}`);
}
