import * as fs from 'node:fs';
import * as path from 'node:path';

interface Index {
  readonly manifests: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
}

/** Names of the images in an OCI layout, sorted. */
export function layoutTags(layout: string): string[] {
  const index = JSON.parse(fs.readFileSync(path.join(layout, 'index.json'), 'utf8')) as Index;
  return index.manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? '').sort();
}
