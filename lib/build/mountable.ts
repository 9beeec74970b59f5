import type { LayerFormat } from '../plan';
import { checkLayers, type ImageVariant } from '../stack';
import type { BuildContext } from './context';

/**
 * Makes sure that runtimes can mount an image in each of its formats; warns when it is near the limit.
 * @param image construct path
 * @throws StackError STACK5005, STACK5006
 */
export function requireMountable(
  { listener, plan }: Pick<BuildContext, 'listener' | 'plan'>,
  image: string,
  variants: ReadonlyMap<LayerFormat, ImageVariant>,
): void {
  for (const variant of variants.values()) {
    const message = checkLayers(variant, plan.limits?.filesystemLayers);
    if (message !== undefined) listener({ code: 'warning', id: 'many-layers', message, image });
  }
}
