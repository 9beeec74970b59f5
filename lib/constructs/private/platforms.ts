import type { ErrorPlace } from '../../core';
import { parsePlatform, samePlatform } from '../../oci';
import { platformIn, type ImagePlan, type Plan } from '../../plan';
import type { Problems } from './problems';

/**
 * Reports images that combine, or stand on, images declared for another platform. What is declared for none takes that of the
 * machine that deploys, and is compared there.
 */
export function checkPlatforms(
  images: Plan['images'],
  problems: Problems,
  placeOf: (path: string) => ErrorPlace,
): void {
  for (const [path, image] of Object.entries(images)) {
    const [first, other] = contradiction(images, path, image) ?? [];
    if (first === undefined || other === undefined) continue;
    const told = [first, other].map(([name, platform]) => `'${name}' is for ${platform}`).join(' and ');
    problems.at(placeOf(path))('STACK5001', told, 'set the same platform on all of them');
  }
}

type Declared = readonly [path: string, platform: string];

/** The first two images with different platforms of those that an image has the layers of, and of itself. */
function contradiction(images: Plan['images'], path: string, image: ImagePlan): readonly Declared[] | undefined {
  const parts = [...(image.platform === undefined ? [] : [path]), ...lowerOf(image)];
  const declared = parts.flatMap((part): Declared[] => {
    const platform = platformIn(images, part);
    return platform === undefined ? [] : [[part, platform]];
  });
  const [first] = declared;
  const other = declared.find(([, platform]) => first !== undefined && !isSame(first[1], platform));
  return first === undefined || other === undefined ? undefined : [first, other];
}

function lowerOf(image: ImagePlan): readonly string[] {
  if (image.type === 'stacked-image') return image.components;
  return image.type === 'layer' && image.from.type === 'image' ? [image.from.image] : [];
}

/** What is no platform is told by itself. */
function isSame(a: string, b: string): boolean {
  const [one, other] = [parsePlatform(a), parsePlatform(b)];
  return one === undefined || other === undefined || samePlatform(one, other);
}
