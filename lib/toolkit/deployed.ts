import type { Listener } from '../core';
import { formatPlatform, type Descriptor } from '../oci';
import type { LayerFormat } from '../plan';
import type { BlobTransfer } from '../registry';
import type { NamedImage } from './named-images';

/** What was transferred, or with `dryRun` would be. */
export interface Transfer {
  readonly blobsWritten: number;
  readonly bytesWritten: number;
  /** Blobs that a registry took over from another of its repositories. */
  readonly blobsMounted: number;
  readonly blobs: readonly DeployedBlob[];
}

/** What one target got, or with `dryRun` would get. */
export interface DeployedTarget extends Transfer {
  readonly target: string;
  readonly images: readonly DeployedImage[];
}

/** A blob that a target got. */
export interface DeployedBlob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** The layout, or the repository as `HOST/NAME`. */
  readonly to: string;
  /** The repository it was mounted from; absent when it was written or uploaded. */
  readonly from?: string;
}

/** An image under one name. */
export interface DeployedImage {
  readonly path: string;
  readonly name: string;
  readonly format: LayerFormat;
  readonly platform: string;
  /** Such as `oci:./oci:kernel-squashfs` or `ghcr.io/acme/kernel:1.2`. */
  readonly reference: string;
  /** Of the image's manifest. */
  readonly digest: string;
  /** Of what the reference names, where that is an index of several images. */
  readonly index?: string;
  /** What the reference named before; absent when it was not there. */
  readonly was?: string;
  /** Bytes of config, manifest and layers together. */
  readonly size: number;
  /** Whether this reference is new or moved. */
  readonly changed: boolean;
  readonly layers: readonly Pick<Descriptor, 'digest' | 'size' | 'mediaType'>[];
}

/** Which names of a target are new or moved, and what they named before: an entry without a digest is new. */
export type Moves = ReadonlyMap<string, string | undefined>;

/**
 * The images of a name as they are told.
 * @param moves by reference
 */
export function deployedImages(named: NamedImage, reference: string, moves: Moves): readonly DeployedImage[] {
  const was = moves.has(reference) ? moves.get(reference) : named.manifest.digest;
  return named.images.map(({ path, plan, format, encoded }) => ({
    path,
    name: plan.name,
    format,
    platform: formatPlatform(encoded.config),
    reference,
    digest: encoded.manifest.digest,
    ...(named.index === undefined ? {} : { index: named.manifest.digest }),
    ...(was === undefined ? {} : { was }),
    size: encoded.blobs.reduce((sum, blob) => sum + blob.descriptor.size, 0),
    changed: moves.has(reference),
    layers: encoded.document.layers.map(({ digest, size, mediaType }) => ({ digest, size, mediaType })),
  }));
}

/** Blobs that a push brings, or has brought, and where. */
export function blobsIn(transfers: readonly BlobTransfer[]): readonly DeployedBlob[] {
  return transfers.map(({ digest, size, repository: to, from }) => ({
    digest,
    size,
    to,
    ...(from === undefined ? {} : { from }),
  }));
}

/** What a target got, or would get. */
export function deployedTarget(
  target: string,
  blobs: readonly DeployedBlob[],
  images: readonly DeployedImage[],
): DeployedTarget {
  return { target, ...transferOf(blobs), images };
}

/** Blobs, and what they come to. */
export function transferOf(blobs: readonly DeployedBlob[]): Transfer {
  const written = blobs.filter(({ from }) => from === undefined);
  return {
    blobsWritten: written.length,
    bytesWritten: written.reduce((sum, { size }) => sum + size, 0),
    blobsMounted: blobs.length - written.length,
    blobs,
  };
}

/** Tells what a target got. */
export function tellDeployed(listener: Listener, deployed: DeployedTarget, started: number): void {
  for (const { path: image, reference, digest, size, changed } of deployed.images) {
    listener({ code: 'image-published', image, reference, digest, size, changed });
  }
  const { target, blobsWritten: blobs, bytesWritten: bytes } = deployed;
  listener({ code: 'deploy-done', target, blobs, bytes, milliseconds: performance.now() - started });
}
