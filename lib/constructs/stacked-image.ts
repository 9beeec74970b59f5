import type { Construct } from 'constructs';
import { Image } from './image';
import type { StackedImageProps } from './stacked-image-props';
import { isInstance, isMarked, mark } from './private/marker';
import type { IImage } from './reference';

const MARKER = Symbol.for('cdk-stack.StackedImage');

/**
 * An image whose layers are the layers of its components, byte for byte, bottom to top. Whoever has pulled the components has
 * pulled the layers of the combination too.
 *
 * @example
 * new StackedImage(app, 'combined', [kernel, ovmf]);
 */
export class StackedImage extends Image {
  /** Tells a `StackedImage` apart, also one of another copy of this package. */
  public static isStackedImage(x: unknown): x is StackedImage {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, StackedImage, x, MARKER);
  }

  /**
   * @param components at least one, bottom to top; the order of the array is the order of the layers, and a layer that several
   *   have comes once
   * @throws STACK2012 when the id cannot be used; STACK2014 when the app has been synthesized already
   */
  public constructor(scope: Construct, id: string, components: readonly IImage[], props: StackedImageProps = {}) {
    super(scope, id, { type: 'stacked-image', components, props }, StackedImage);
  }
}

mark(StackedImage.prototype, MARKER);
