import { ANNOTATION } from '../oci';
import type { LayerFormat } from '../plan';
import type { ImageVariant } from '../stack';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { isoSeconds } from './iso-seconds';
import { packDelta } from './pack-delta';
import type { GlueDelta } from './settle-conflicts';

/** A combination with its glue layer on top. */
export interface Glued {
  readonly variants: ReadonlyMap<LayerFormat, ImageVariant>;
  readonly deltas: readonly KnownDelta[];
}

/**
 * Puts a glue layer on a combination, in each of its formats. Combinations of it do not see the layer: they make their own.
 * @throws StackError as `packDelta`
 */
export async function glueOn(
  context: BuildContext,
  image: string,
  { delta, inputs }: GlueDelta,
  variants: ReadonlyMap<LayerFormat, ImageVariant>,
): Promise<Glued> {
  const packed = await packDelta(context, image, delta, [...variants.keys()]);
  const history = { created: isoSeconds(context.epoch), created_by: delta.createdBy };
  const glued = [...variants].map(([format, variant]): [LayerFormat, ImageVariant] => {
    const layer = packed.layers.get(format);
    if (layer === undefined) return [format, variant];
    const annotations = { ...layer.descriptor.annotations, [ANNOTATION.glue]: inputs };
    const marked = { ...layer, descriptor: { ...layer.descriptor, annotations } };
    return [format, { ...variant, steps: [...variant.steps, { history, layer: marked }] }];
  });
  return { variants: new Map(glued), deltas: [packed.delta] };
}
