import type { LayerFormat } from './formats';
import type { ImageConfig } from './image-config';

/** What every image can be given. */
export interface ImageProps {
  /** How containers of the image run. @default inherited from the base or the components */
  readonly config?: ImageConfig | undefined;
  /** Annotations of the image's manifest (image-spec, annotations.md). @default none */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /**
   * `OS/ARCHITECTURE[/VARIANT]` in Go's names, such as `linux/amd64` or `windows/amd64`. Scripts run on Linux only, so that an image
   * for another system has none.
   * @default the platform of the machine that deploys
   */
  readonly platform?: string | undefined;
  /** Formats in which the image is published, each as an image of its own. @default the app's */
  readonly formats?: readonly LayerFormat[] | undefined;
  /** Built as far as others need it, never published. @default false */
  readonly buildOnly?: boolean | undefined;
  /**
   * Repository name, or the name in an OCI layout: lowercase letters and digits, separated by `.`, `_`, `__`, `-` or `/`
   * (distribution-spec, *Pulling manifests*).
   * @default the construct path below the app, joined by `-`
   */
  readonly imageName?: string | undefined;
  /** @default the deploy command's */
  readonly tags?: readonly string[] | undefined;
}
