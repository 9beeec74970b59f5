import { StackError } from '../core';
import { formatPlatform, hostPlatform, parsePlatform, samePlatform, type Platform } from '../oci';
import type { ImagePlan } from '../plan';
import { requireImage, type BuiltImage, type BuiltImages } from './built-image';
import { platformOfArchitecture } from './debian';

/**
 * The platform of an image: the declared one, else that of the images it stands on or combines, else the host's.
 * @throws StackError STACK2006 for text that is no platform, STACK5001 when it differs from what the image stands on
 */
export function platformOf(plan: ImagePlan, images: BuiltImages): Platform {
  const declared = declaredPlatform(plan);
  const lower = lowerImage(plan, images);
  if (declared !== undefined && lower !== undefined && !samePlatform(declared, lower.platform)) {
    throw new StackError(
      'STACK5001',
      `it is for ${formatPlatform(declared)}, but '${lower.path}' for ${formatPlatform(lower.platform)}`,
      { hint: 'set the same platform on both' },
    );
  }
  return lower?.platform ?? declared ?? hostPlatform();
}

function declaredPlatform(plan: ImagePlan): Platform | undefined {
  if (plan.type === 'debian-packages' && plan.platform === undefined && plan.architecture !== undefined) {
    return platformOfArchitecture(plan.architecture);
  }
  if (plan.platform === undefined) return undefined;
  const parsed = parsePlatform(plan.platform);
  if (parsed !== undefined) return parsed;
  throw new StackError('STACK2006', `'${plan.platform}' is not a platform`, {
    hint: 'write os/architecture, such as linux/arm64',
  });
}

function lowerImage(plan: ImagePlan, images: BuiltImages): BuiltImage | undefined {
  if (plan.type === 'layer' && plan.from.type === 'image') return requireImage(images, plan.from.image);
  const [first] = plan.type === 'stacked-image' ? plan.components : [];
  return first === undefined ? undefined : requireImage(images, first);
}
