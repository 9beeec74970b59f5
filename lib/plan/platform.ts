import type { ImagePlan, Plan } from './schema';

/**
 * The platform that an image, or else what it stands on, is declared for: `os/architecture[/variant]`. Undefined when none is,
 * so that it is the one of the machine that deploys.
 */
export function platformIn(images: Plan['images'], path: string): string | undefined {
  const seen = new Set<string>(); // plans from outside may have circles
  for (let at: string | undefined = path; at !== undefined && !seen.has(at);) {
    seen.add(at);
    const image: ImagePlan | undefined = images[at];
    if (image?.platform !== undefined) return image.platform;
    at = lowerOf(image);
  }
  return undefined;
}

function lowerOf(image: ImagePlan | undefined): string | undefined {
  if (image?.type === 'stacked-image') return image.components[0];
  return image?.type === 'layer' && image.from.type === 'image' ? image.from.image : undefined;
}
