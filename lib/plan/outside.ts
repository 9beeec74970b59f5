import type { DebianPlan, ImagePlan, Plan } from './schema';

/** Something from outside of the app that an image uses directly. */
export type OutsideReference = {
  /** Construct path of the image. */
  readonly image: string;
  /** Whether it can come to mean something else, which is why the lock file says what it meant. */
  readonly isMutable: boolean;
} & (
  | { readonly kind: 'image'; /** Complete. */ readonly reference: string }
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string | undefined }
  | { readonly kind: 'debian'; readonly plan: DebianPlan }
);

/** Everything from outside that images use directly, in their order. @param images construct paths */
export function outsideReferences(plan: Plan, images: readonly string[]): readonly OutsideReference[] {
  return images.flatMap((image): OutsideReference[] => {
    const recipe = plan.images[image];
    if (recipe?.type === 'debian-packages') return [{ image, isMutable: true, kind: 'debian', plan: recipe }];
    if (recipe?.type !== 'layer') return [];
    const bases = [recipe.from, ...(recipe.base === undefined ? [] : [recipe.base])].flatMap(
      (source): OutsideReference[] => {
        if (source.type !== 'registry') return [];
        const { reference } = source;
        return [{ image, isMutable: !reference.includes('@'), kind: 'image', reference }];
      },
    );
    const urls = urlsOf(recipe).map(({ url, sha256 }): OutsideReference => {
      return { image, isMutable: sha256 === undefined, kind: 'url', url, sha256 };
    });
    return [...bases, ...urls];
  });
}

function urlsOf({ from, imports }: Extract<ImagePlan, { type: 'layer' }>) {
  const base = from.type === 'tar' ? [{ source: from.file, sha256: from.sha256 }] : [];
  return [...base, ...imports].flatMap(({ source, sha256 }) =>
    source.type === 'url' ? [{ url: source.url, sha256 }] : [],
  );
}
