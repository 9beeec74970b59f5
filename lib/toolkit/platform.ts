import { hostPlatform, parsePlatform, type Platform } from '../oci';
import { platformIn, type Plan } from '../plan';

/** The platform of an image of a plan; that of this machine when none is declared. */
export function platformOf(plan: Plan, image: string): Platform {
  const declared = platformIn(plan.images, image);
  return (declared === undefined ? undefined : parsePlatform(declared)) ?? hostPlatform();
}
