import { createCipheriv, createHash } from 'node:crypto';
import { canonicalJson } from '../../lib/core';
import { digestOf, MEDIA_TYPE, type Descriptor } from '../../lib/oci';
import {
  Registry,
  type BlobSource,
  type Publication,
  type PublishedManifest,
  type RegistryOptions,
} from '../../lib/registry';
import { FakeRegistry, type FakeOptions } from '../../lib/registry/testing';

/** Everything a test has opened, to be closed behind it. */
export class World {
  private readonly fakes: FakeRegistry[] = [];
  private readonly clients: Registry[] = [];

  public async fake(options: FakeOptions = {}): Promise<FakeRegistry> {
    const fake = await FakeRegistry.start(options);
    this.fakes.push(fake);
    return fake;
  }

  /** A client that knows no credentials but those given, and does not wait long. */
  public client(options: RegistryOptions = {}): Registry {
    const client = new Registry({
      credentials: () => Promise.resolve(undefined),
      env: {},
      ...options,
      retry: { attempts: 6, minDelay: 1, maxDelay: 5, ...options.retry },
    });
    this.clients.push(client);
    return client;
  }

  public async close(): Promise<void> {
    for (const client of this.clients.splice(0)) await client.close();
    for (const fake of this.fakes.splice(0)) await fake.stop();
  }
}

/** Bytes that look random but are the same every time. */
export function bytes(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** A source that gives its bytes in pieces, as a file does. */
export function sourceOf(content: Buffer, knownIn?: readonly string[]): BlobSource {
  return {
    digest: digestOf(content),
    size: content.length,
    knownIn,
    async *open(offset) {
      for (let at = offset; at < content.length; at += 16 * 1024) {
        await Promise.resolve();
        yield content.subarray(at, Math.min(content.length, at + 16 * 1024));
      }
    },
  };
}

/** An image of some layers. */
export function imageOf(layers: readonly Buffer[], architecture = 'amd64', more: object = {}): PublishedManifest {
  const config = Buffer.from(
    canonicalJson({
      os: 'linux',
      architecture,
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      config: {},
    }),
  );
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: descriptorOf(MEDIA_TYPE.config, config),
    layers: layers.map((layer) => descriptorOf(MEDIA_TYPE.tar, layer)),
    ...more,
  };
  return {
    mediaType: MEDIA_TYPE.manifest,
    content: Buffer.from(canonicalJson(document)),
    blobs: [config, ...layers].map((blob) => sourceOf(blob)),
  };
}

/** An index of some images. */
export function indexOf(images: Readonly<Record<string, PublishedManifest>>): PublishedManifest {
  const manifests = Object.entries(images).map(([architecture, { mediaType, content }]) => ({
    ...descriptorOf(mediaType, content),
    platform: { os: 'linux', architecture },
  }));
  const content = Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests }));
  return { mediaType: MEDIA_TYPE.index, content, blobs: [] };
}

export function descriptorOf(mediaType: string, content: Buffer): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.length };
}

export function publication(repository: string, manifest: PublishedManifest, ...tags: string[]): Publication {
  return { repository, manifests: [manifest], tags };
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What is wrong with what a tag of the fake names; empty when the image is there whole. */
export function problemsOf(fake: FakeRegistry, name: string, tag: string): readonly string[] {
  const repository = fake.repository(name);
  const stored = repository.manifest(tag);
  if (stored === undefined) return [`no ${tag}`];
  const { config, layers = [] } = JSON.parse(stored.content.toString()) as {
    config?: Descriptor;
    layers?: Descriptor[];
  };
  return [...(config === undefined ? [] : [config]), ...layers].flatMap(({ digest }) => {
    const blob = repository.blobs.get(digest);
    return blob !== undefined && digestOf(blob) === digest ? [] : [`${digest} is missing or wrong`];
  });
}
