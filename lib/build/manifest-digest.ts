import { canonicalJson } from '../core';
import type { LayerFormat } from '../plan';
import type { BuiltImage } from './built-image';
import type { BuildContext } from './context';
import { encodeImage } from './encode';

/** The digest of an image's manifest: of one that exists already and is used as it is, that which it has there. */
export function manifestDigestOf({ store, epoch }: BuildContext, image: BuiltImage, format: LayerFormat): string {
  return (
    image.manifestDigest ?? existingDigest(image, format) ?? encodeImage(image, format, store, epoch).manifest.digest
  );
}

function existingDigest({ plan, base, variants }: BuiltImage, format: LayerFormat): string | undefined {
  if (base?.format !== format || plan.type !== 'layer' || plan.from.type === 'image') return undefined;
  const variant = variants.get(format);
  const below = variant?.base;
  const isAsItIs =
    below !== undefined &&
    plan.annotations === undefined &&
    canonicalJson([variant?.steps, variant?.config]) === canonicalJson([below.steps, below.config]);
  return isAsItIs ? base.digest : undefined;
}
