import { Construct } from 'constructs';
import type { ImageProps } from './image-props';
import { checkId } from './private/id';
import { declare, type Declaration } from './private/declaration';
import { isInstance, isMarked, mark } from './private/marker';
import { captureStack } from './private/source-line';
import { LayerFile, type IImage } from './reference';

const MARKER = Symbol.for('cdk-stack.Image');

/** What all image constructs share. To make one of your own, extend `Layer`, `StackedImage` or `DebianPackages`. */
export abstract class Image extends Construct implements IImage {
  /** Tells an image construct apart, also one of another copy of this package. */
  public static isImage(x: unknown): x is Image {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, Image, x, MARKER);
  }

  public readonly imageName: string;

  /** @param self the class of this package whose constructor is running, or its function that the user has called */
  protected constructor(
    scope: Construct,
    id: string,
    declaration: Declaration,
    self: NewableFunction | CallableFunction,
  ) {
    const stack = captureStack(self);
    super(scope, checkId(scope, id, stack));
    // Without a type check the properties may be missing; synth reports that.
    const given: unknown = (declaration.props as ImageProps | undefined | null)?.imageName;
    this.imageName = typeof given === 'string' ? given : this.node.path.replaceAll('/', '-');
    declare(this, { declaration, stack });
  }

  public file(path: string): LayerFile {
    return new LayerFile(this, path);
  }
}

mark(Image.prototype, MARKER);
