import type { IConstruct } from 'constructs';
import { isInstance, isMarked, mark } from './private/marker';

const MARKER = Symbol.for('cdk-stack.LayerFile');

/**
 * What can be the base of a `Layer` or a component of a `StackedImage`: a `Layer`, a `StackedImage`, a `DebianPackages` or a
 * `PublishedImage`.
 */
export interface IImage extends IConstruct {
  /** Repository name, or the name in an OCI layout. */
  readonly imageName: string;

  /**
   * A file or directory of this image, as the source of an import or a base. Using it makes a dependency: this image is built first.
   * @param path absolute path in the image; a trailing slash is kept and means the contents of a directory
   */
  file(path: string): LayerFile;
}

/** A file or directory in an image that is yet to be built. Made by `image.file('/path')`. */
export class LayerFile {
  /** Tells a `LayerFile` apart, also one of another copy of this package. */
  public static isLayerFile(x: unknown): x is LayerFile {
    return isMarked(x, MARKER);
  }

  public static [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, LayerFile, x, MARKER);
  }

  /**
   * @param image the image that has it
   * @param path absolute path in the image
   */
  public constructor(
    public readonly image: IImage,
    public readonly path: string,
  ) {}
}

mark(LayerFile.prototype, MARKER);
