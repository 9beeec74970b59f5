import type { AppProps } from '../app-props';
import type { DebianPackagesProps } from '../debian-packages-props';
import type { ImageProps } from '../image-props';
import type { LayerProps } from '../layer-props';
import type { PublishedImageProps } from '../published-image';
import type { StackedImageProps } from '../stacked-image-props';
import { objectOf } from './checks';
import { isDirectInstance } from './marker';
import type { Reporter } from './problems';

/** Every property of a construct; the compiler finds one that is missing here. */
type Known<T> = Readonly<Record<keyof T, true>>;

const IMAGE: Known<ImageProps> = {
  config: true,
  annotations: true,
  platform: true,
  formats: true,
  buildOnly: true,
  imageName: true,
  tags: true,
};

const LAYER: Known<LayerProps> = {
  from: true,
  imports: true,
  run: true,
  buildEnv: true,
  buildEnvPassthrough: true,
  network: true,
  binds: true,
  caches: true,
  secrets: true,
  exclude: true,
  clean: true,
  idLane: true,
  generateLabels: true,
  ...IMAGE,
};

const STACKED: Known<StackedImageProps> = { conflicts: true, mergers: true, glue: true, ...IMAGE };

const DEBIAN: Known<DebianPackagesProps> = {
  packages: true,
  dependencies: true,
  suite: true,
  sources: true,
  architecture: true,
  exclude: true,
  ...IMAGE,
};

const PUBLISHED: Known<PublishedImageProps> = { platform: true, base: true };

const APP: Known<AppProps> = {
  epoch: true,
  formats: true,
  tar: true,
  squashfs: true,
  limits: true,
  context: true,
  outdir: true,
  directory: true,
};

const CLASSES = { Layer: LAYER, StackedImage: STACKED, DebianPackages: DEBIAN, PublishedImage: PUBLISHED, App: APP };

/**
 * Reports properties that nothing will ever read. A subclass of the user may have properties of its own and pass on all it got, so
 * only what the classes of this package get is checked.
 * @param given as the user wrote it
 */
export function checkKnown(report: Reporter, construct: object, given: object): void {
  for (const [name, known] of Object.entries(CLASSES)) {
    if (isDirectInstance(construct, Symbol.for(`cdk-stack.${name}`)))
      objectOf(...Object.keys(known))(report, name, given);
  }
}
