import { errnoOf, StackError } from '../core';
import { isDescriptor, parseDocument } from './documents';
import { blobPathIn, readBounded } from './layout';
import type { Descriptor } from './types';

/** Members of manifests and indexes, of any kind and time, that refer to further documents; and those that refer to content. */
const DOCUMENTS = ['manifests', 'subject'];
const CONTENT = ['config', 'layers', 'blobs'];

/**
 * Digests of all blobs that some entries of an index.json need, the entries' own included. What an entry of a kind we do not know
 * refers to counts too, so that nothing of other tools' gets lost.
 * @throws the system's error when a document cannot be read; one that is missing or no JSON refers to nothing
 */
export async function reachableBlobs(directory: string, entries: readonly Descriptor[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const read = new Set<string>();
  const todo = [...entries];
  for (let entry = todo.pop(); entry !== undefined; entry = todo.pop()) {
    if (read.has(entry.digest)) continue;
    read.add(entry.digest);
    found.add(entry.digest);
    const document = await readReferences(directory, entry.digest);
    for (const descriptor of descriptorsIn(document, CONTENT)) found.add(descriptor.digest);
    todo.push(...descriptorsIn(document, DOCUMENTS));
  }
  return found;
}

async function readReferences(directory: string, digest: string): Promise<Readonly<Record<string, unknown>>> {
  const file = blobPathIn(directory, digest);
  try {
    const document = parseDocument(await readBounded(file), file);
    return typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || StackError.is(error)) return {}; // missing, too large or no JSON
    throw error;
  }
}

function descriptorsIn(document: Readonly<Record<string, unknown>>, members: readonly string[]): Descriptor[] {
  return members.flatMap((member) => document[member]).filter(isDescriptor);
}
