import type { Listener } from '../core';
import type { Descriptor } from '../oci';
import type { LayerFormat } from '../plan';
import type { PublishedImage } from './published-images';

/** What one target got, or with `dryRun` would get. */
export interface DeployedTarget {
  readonly target: string;
  readonly blobsWritten: number;
  readonly bytesWritten: number;
  /** Blobs that a registry took over from another of its repositories. */
  readonly blobsMounted: number;
  readonly images: readonly DeployedImage[];
}

/** An image under one name. */
export interface DeployedImage {
  readonly path: string;
  readonly name: string;
  readonly format: LayerFormat;
  /** Such as `oci:./oci:kernel-squashfs` or `ghcr.io/acme/kernel:1.2`. */
  readonly reference: string;
  readonly digest: string;
  /** Bytes of config, manifest and layers together. */
  readonly size: number;
  /** Whether this reference is new or moved. */
  readonly changed: boolean;
  readonly layers: readonly Pick<Descriptor, 'digest' | 'size' | 'mediaType'>[];
}

/** An image as it is told. */
export function deployedImage(image: PublishedImage, reference: string, changed: boolean): DeployedImage {
  const { path, plan, format, encoded } = image;
  return {
    path,
    name: plan.name,
    format,
    reference,
    digest: encoded.manifest.digest,
    size: encoded.blobs.reduce((sum, blob) => sum + blob.descriptor.size, 0),
    changed,
    layers: encoded.document.layers.map(({ digest, size, mediaType }) => ({ digest, size, mediaType })),
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
