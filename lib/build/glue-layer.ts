import { canonicalJson } from '../core';
import { ANNOTATION, digestOf } from '../oci';
import type { LayerFormat } from '../plan';
import { flattenComponents, identityOf, layersOf, type ImageVariant } from '../stack';
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
 * @param below what the combination consists of, bottom to top
 * @throws StackError as `packDelta`
 */
export async function glueOn(
  context: BuildContext,
  image: string,
  { delta, rules }: GlueDelta,
  variants: ReadonlyMap<LayerFormat, ImageVariant>,
  below: readonly KnownDelta[],
): Promise<Glued> {
  const packed = await packDelta(context, image, delta, [...variants.keys()], below);
  const history = { created: isoSeconds(context.epoch), created_by: delta.createdBy };
  const glued = [...variants].map(([format, variant]): [LayerFormat, ImageVariant] => {
    const layer = packed.layers.get(format);
    if (layer === undefined) return [format, variant];
    const annotations = { ...layer.descriptor.annotations, [ANNOTATION.glue]: inputsOf(variant, rules) };
    const marked = { ...layer, descriptor: { ...layer.descriptor, annotations } };
    return [format, { ...variant, steps: [...variant.steps, { history, layer: marked }] }];
  });
  return { variants: new Map(glued), deltas: [packed.delta] };
}

/** A digest of everything the glue was made from: layers as every reader of the image knows them, and what it was made with. */
function inputsOf(variant: ImageVariant, rules: GlueDelta['rules']): string {
  const layersIn = (image: ImageVariant): readonly string[] => layersOf(image).map(identityOf);
  const components = flattenComponents(variant.components ?? []).map((each) => [each.name, layersIn(each.variant)]);
  return digestOf(canonicalJson({ ...rules, layers: layersIn(variant), components }));
}
