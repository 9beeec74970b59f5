import type { DebianPackagesProps } from '../debian-packages-props';
import type { LayerProps } from '../layer-props';
import type { IImage } from '../reference';
import type { StackedImageProps } from '../stacked-image-props';
import type { CapturedStack } from './source-line';

const DECLARATION = Symbol.for('cdk-stack.declaration');

/** What the user declared, unchecked: an app is often run without a type check, and arrays may still be changed before synth. */
export type Declaration =
  | {
      readonly type: 'layer';
      readonly props: LayerProps;
      /** Properties as the user wrote them, where `props` has more. */
      readonly given?: unknown;
    }
  | { readonly type: 'stacked-image'; readonly props: StackedImageProps; readonly components: readonly IImage[] }
  | { readonly type: 'debian-packages'; readonly props: DebianPackagesProps };

/** A declaration and where it was made. */
export interface Declared {
  readonly declaration: Declaration;
  readonly stack: CapturedStack;
}

/** Keeps a declaration with its image: behind a symbol, so it collides with no member of a user's subclass. */
export function declare(image: IImage, declared: Declared): void {
  Object.defineProperty(image, DECLARATION, { value: declared });
}

/** The declaration of an image, also of one of another copy of this package; undefined for every other construct. */
export function declarationOf(construct: object): Declared | undefined {
  return (construct as { readonly [DECLARATION]?: Declared })[DECLARATION];
}
