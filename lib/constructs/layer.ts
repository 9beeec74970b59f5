import type { Construct } from 'constructs';
import { Image } from './image';
import type { LayerProps } from './layer-props';
import { isInstance, isMarked, mark } from './private/marker';

const MARKER = Symbol.for('cdk-stack.Layer');

/**
 * One filesystem delta on top of a base, published as an image of its own unless it is `buildOnly`. Its imports and what its script
 * changes are together at most one OCI layer; one that changes nothing adds none.
 *
 * @example
 * const kernel = new Layer(app, 'kernel', { imports: [{ source: 'out/boot/', dest: '/kernel' }] });
 */
export class Layer extends Image {
  /** Tells a `Layer` apart, also one of another copy of this package. */
  public static isLayer(x: unknown): x is Layer {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, Layer, x, MARKER);
  }

  /**
   * Nothing is checked or read before synth, which reports everything that is wrong at once.
   * @throws STACK2012 when the id cannot be used; STACK2014 when the app has been synthesized already
   */
  public constructor(scope: Construct, id: string, props: LayerProps = {}) {
    super(scope, id, { type: 'layer', props }, Layer);
  }
}

mark(Layer.prototype, MARKER);
