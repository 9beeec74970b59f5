import * as fs from 'node:fs';
import * as path from 'node:path';
import { digestOf, encodeDocument, MEDIA_TYPE, type Descriptor, type Index, type LayoutImage, type Manifest } from '../../lib/oci';

export const AMD64 = { os: 'linux', architecture: 'amd64' };
export const ARM64 = { os: 'linux', architecture: 'arm64' };

export function descriptorOf(content: string | Buffer, mediaType: string): Descriptor {
  const bytes = Buffer.from(content);
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** An image whose layers are texts, ready to be written. */
export function layoutImage(refName: string, layers: readonly string[], platform = AMD64): LayoutImage {
  const blobs = layers.map((text) => ({ descriptor: descriptorOf(text, MEDIA_TYPE.tar), from: Buffer.from(text) }));
  const config = encodeDocument(MEDIA_TYPE.config, {
    ...platform,
    rootfs: { type: 'layers', diff_ids: blobs.map(({ descriptor }) => descriptor.digest) },
  });
  const document: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: config.descriptor,
    layers: blobs.map(({ descriptor }) => descriptor),
  };
  const manifest = encodeDocument(MEDIA_TYPE.manifest, document);
  return {
    refName,
    manifest: { ...manifest.descriptor, platform },
    blobs: [
      ...blobs,
      { descriptor: config.descriptor, from: config.content },
      { descriptor: manifest.descriptor, from: manifest.content },
    ],
  };
}

/** Everything in a directory with what tells whether it was touched. */
export function stateOf(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { ino, mtimeNs, ctimeNs, size } = fs.lstatSync(path.join(directory, name), { bigint: true });
      return [name, ino, mtimeNs, ctimeNs, size].map(String).join(' ');
    });
}

/** Names of the blobs of a layout. */
export function blobsOf(directory: string): string[] {
  return fs.readdirSync(path.join(directory, 'blobs', 'sha256')).sort();
}

export function indexOf(directory: string): { manifests: Descriptor[] } {
  return JSON.parse(fs.readFileSync(path.join(directory, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
}

/** Digests that the images of a layout need, found without the code under test; fails when one is missing or wrong. */
export function referencedBy(directory: string): string[] {
  const found = new Set<string>();
  const read = ({ digest }: Descriptor): Buffer => {
    const content = fs.readFileSync(path.join(directory, 'blobs', 'sha256', digest.slice(7)));
    if (digestOf(content) !== digest) throw new Error(`${digest} is damaged`);
    found.add(digest.slice(7));
    return content;
  };
  const todo = [...indexOf(directory).manifests];
  for (const entry of todo) {
    const document = JSON.parse(read(entry).toString()) as Partial<Manifest & Index>;
    todo.push(...(document.manifests ?? [])); // which are visited, too
    for (const descriptor of document.layers ?? []) read(descriptor);
    if (document.config !== undefined) read(document.config);
  }
  return [...found].sort();
}

/** A layout made by hand: index entries are written as they are. */
export class HandMade {
  public constructor(public readonly directory: string) {
    fs.mkdirSync(path.join(directory, 'blobs', 'sha256'), { recursive: true });
    this.write('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  }

  public write(name: string, content: string | Buffer): void {
    fs.writeFileSync(path.join(this.directory, name), content);
  }

  public blob(content: string | Buffer | object, mediaType: string): Descriptor {
    const bytes = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content);
    const descriptor = descriptorOf(bytes, mediaType);
    this.write(`blobs/sha256/${descriptor.digest.slice(7)}`, bytes);
    return descriptor;
  }

  public index(...manifests: readonly object[]): void {
    this.write('index.json', JSON.stringify({ schemaVersion: 2, manifests }));
  }

  /** An image of one layer that says a text. */
  public image(text: string, platform: object = AMD64, types: { manifest: string; config: string; layer: string } = OCI): Descriptor {
    const layer = this.blob(text, types.layer);
    const config = this.blob({ ...platform, rootfs: { type: 'layers', diff_ids: [layer.digest] } }, types.config);
    return this.blob({ schemaVersion: 2, mediaType: types.manifest, config, layers: [layer] }, types.manifest);
  }
}

const OCI = { manifest: MEDIA_TYPE.manifest, config: MEDIA_TYPE.config, layer: MEDIA_TYPE.tar };

/** An index entry with a name. */
export function named(name: string, descriptor: Descriptor, more: object = {}): object {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name }, ...more };
}
