import type { Construct } from 'constructs';
import { Image } from './image';
import type { ImageProps } from './image-props';
import { ImageSource } from './image-source';
import { isInstance, isMarked, mark } from './private/marker';

const MARKER = Symbol.for('cdk-stack.PublishedImage');

/** Properties of a `PublishedImage`. */
export interface PublishedImageProps extends Pick<ImageProps, 'platform'> {
  /**
   * What the image was built from: `docker://REF`, `oci:DIR[:REF]` or the same as an `ImageSource`. It tells what of its
   * configuration the image set itself, where it is combined with others on the same base.
   * @default what the image tells of that: its record if it is a combined image, its annotations
   * `org.opencontainers.image.base.*`, or what it has in common with the other components
   */
  readonly base?: ImageSource | string | undefined;
}

/**
 * An image that exists already, as a base, as a component, or to take files from. Its layers are used as they are, and it is not
 * published again.
 *
 * @example
 * const ssl = PublishedImage.fromRegistry(app, 'ssl', 'ghcr.io/acme/ssl:3');
 * new StackedImage(app, 'server', [ssl, server]);
 */
export class PublishedImage extends Image {
  /** Tells a `PublishedImage` apart, also one of another copy of this package. */
  public static isPublishedImage(x: unknown): x is PublishedImage {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, PublishedImage, x, MARKER);
  }

  /**
   * An image in a registry.
   * @param reference as of `ImageSource.registry`
   * @throws STACK2012 when the id cannot be used; STACK2014 when the app has been synthesized already
   */
  public static fromRegistry(
    this: void,
    scope: Construct,
    id: string,
    reference: string,
    props: PublishedImageProps = {},
  ): PublishedImage {
    return new PublishedImage(scope, id, { from: ImageSource.registry(reference), props }, PublishedImage.fromRegistry);
  }

  /**
   * An image in an OCI layout.
   * @param place `DIR[:REF]`, such as `./oci:ssl`, with everything after the first `:` as the reference; see `ImageSource.ociLayout`
   * @throws STACK2012 when the id cannot be used; STACK2014 when the app has been synthesized already
   */
  public static fromLayout(
    this: void,
    scope: Construct,
    id: string,
    place: string,
    props: PublishedImageProps = {},
  ): PublishedImage {
    return new PublishedImage(scope, id, { from: `oci:${place}`, props }, PublishedImage.fromLayout);
  }

  private constructor(
    scope: Construct,
    id: string,
    { from, props }: { readonly from: ImageSource | string; readonly props: PublishedImageProps },
    self: NewableFunction | CallableFunction,
  ) {
    super(scope, id, { type: 'layer', props: { ...props, from, buildOnly: true }, given: props }, self);
  }
}

mark(PublishedImage.prototype, MARKER);
