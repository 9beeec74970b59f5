import { isInstance, isMarked, mark } from './private/marker';
import type { LayerFile } from './reference';

const MARKER = Symbol.for('cdk-stack.ImageSource');

/** What an `ImageSource` stands for. */
export type ImageSourceSpec =
  | { readonly type: 'scratch' }
  | { readonly type: 'tar'; readonly file: string | LayerFile; readonly sha256?: string | undefined }
  | { readonly type: 'oci-layout'; readonly directory: string; readonly reference?: string | undefined }
  | { readonly type: 'registry'; readonly reference: string };

/** Options of {@link ImageSource.tar}. */
export interface TarSourceOptions {
  /** Expected sha256 of the file as it is, 64 hex characters. @default not checked */
  readonly sha256?: string | undefined;
}

/** What a `Layer` can stand on besides another image of the app. */
export class ImageSource {
  /** Tells an `ImageSource` apart, also one of another copy of this package. */
  public static isImageSource(x: unknown): x is ImageSource {
    return isMarked(x, MARKER);
  }

  public static [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, ImageSource, x, MARKER);
  }

  /** Nothing. As text: `scratch`. */
  public static scratch(): ImageSource {
    return new ImageSource({ type: 'scratch' });
  }

  /**
   * The content of a tar, plain or compressed with gzip, zstd or xz (told by its first bytes), as one layer. As text: `tar:PATH`, `tar:URL`.
   * @param file path, relative to the app's directory, an `http` or `https` URL, or `image.file('/path')`
   */
  public static tar(file: string | LayerFile, options: TarSourceOptions = {}): ImageSource {
    // Synth checks the options, also those that nobody knows.
    const given: unknown = options;
    return new ImageSource({ ...(typeof given === 'object' ? given : { options: given }), type: 'tar', file });
  }

  /**
   * An image in an OCI layout; its layers are used as they are. As text: `oci:DIR[:REF]`, with everything after the first `:` as the
   * reference.
   * @param directory path of the layout, relative to the app's directory
   * @param reference the image's `org.opencontainers.image.ref.name`, or its digest; may be left out when there is only one
   */
  public static ociLayout(directory: string, reference?: string): ImageSource {
    return new ImageSource({ type: 'oci-layout', directory, reference });
  }

  /**
   * An image in a registry; its layers are used as they are, and transferred only where that is needed. What a tag stands for is
   * locked in cdk-stack.lock.json when it is first used. As text: `docker://REF`.
   * @param reference `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`, read as Docker does: without a host it is Docker Hub's, without tag and
   *   digest `latest`
   */
  public static registry(reference: string): ImageSource {
    return new ImageSource({ type: 'registry', reference });
  }

  private constructor(public readonly spec: ImageSourceSpec) {}
}

mark(ImageSource.prototype, MARKER);
