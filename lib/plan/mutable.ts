import type { DebianPlan, ImagePlan, Plan } from './schema';

/** Something an image uses by a name that can come to mean something else, which is why the lock file says what it meant. */
export type MutableReference = { readonly image: string } & (
  | { readonly kind: 'image'; /** Complete, without a digest. */ readonly reference: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'debian'; readonly plan: DebianPlan }
);

/** Everything mutable that images use directly, in their order. @param images construct paths */
export function mutableReferences(plan: Plan, images: readonly string[]): readonly MutableReference[] {
  return images.flatMap((path): MutableReference[] => {
    const image = plan.images[path];
    if (image?.type === 'debian-packages') return [{ image: path, kind: 'debian', plan: image }];
    const urls = unhashedUrls(image).map((url): MutableReference => ({ image: path, kind: 'url', url }));
    if (image?.type !== 'layer' || image.from.type !== 'registry' || image.from.reference.includes('@')) return urls;
    return [{ image: path, kind: 'image', reference: image.from.reference }, ...urls];
  });
}

/** The URLs that an image uses without saying what is to come from there. */
export function unhashedUrls(image: ImagePlan | undefined): readonly string[] {
  if (image?.type !== 'layer') return [];
  const base = image.from.type === 'tar' ? [{ source: image.from.file, sha256: image.from.sha256 }] : [];
  return [...base, ...image.imports].flatMap(({ source, sha256 }) =>
    source.type === 'url' && sha256 === undefined ? [source.url] : [],
  );
}
