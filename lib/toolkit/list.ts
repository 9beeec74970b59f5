import { dependenciesOf, type Assembly, type ImagePlan, type LayerFormat } from '../plan';
import type { Selection } from './select';

/** One image of an app, as `ls` shows it. */
export interface ImageRow {
  /** Construct path. */
  readonly path: string;
  readonly name: string;
  readonly type: ImagePlan['type'];
  readonly buildOnly: boolean;
  readonly dependencies: readonly string[];
  /** The formats it is published in; empty for one that is only built. */
  readonly formats: readonly LayerFormat[];
  /** `file:line:column` that created it. */
  readonly source?: string;
}

/** The selected images of an app, in build order. Reads the plan only: nothing is hashed or built. */
export function listImages({ plan }: Assembly, selection: Selection): readonly ImageRow[] {
  return selection.images.flatMap((path) => {
    const image = plan.images[path];
    if (image === undefined) return [];
    const { name, type, buildOnly, source } = image;
    const formats = buildOnly ? [] : (image.formats ?? plan.formats);
    return [
      {
        path,
        name,
        type,
        buildOnly,
        dependencies: dependenciesOf(image),
        formats,
        ...(source === undefined ? {} : { source }),
      },
    ];
  });
}
