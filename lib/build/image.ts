import type { Platform, RuntimeConfig } from '../oci';
import type { ImagePlan, LayerFormat, StackedPlan } from '../plan';
import { applyConfig, declaredConfig, withLabels, type ImageStep, type ImageVariant } from '../stack';
import { requireImage, type BuiltImage, type BuiltImages, type ImageRequest } from './built-image';
import type { BuildContext } from './context';
import { debianDelta } from './debian-delta';
import type { Delta, KnownDelta } from './delta';
import { missingAccount } from './check-user';
import { layFoundation, type Foundation } from './foundation';
import { generatedLabels } from './generated-labels';
import { isoSeconds } from './iso-seconds';
import { layerDelta } from './layer-delta';
import type { ImageFiles } from './layer-imports';
import { packDelta } from './pack-delta';
import { requireMountable } from './mountable';
import { platformOf } from './platform';
import { runDelta } from './run-delta';
import { buildStacked } from './stacked';

/** What has layers of its own. */
type Recipe = Exclude<ImagePlan, StackedPlan>;

/**
 * Builds one image.
 * @param images what it needs
 * @throws StackError with the cause; the caller adds the construct's place
 */
export async function buildImage(
  context: BuildContext,
  request: ImageRequest,
  images: BuiltImages,
): Promise<BuiltImage> {
  const { path, plan } = request;
  if (plan.type === 'stacked-image') return buildStacked(context, request, plan, images);
  const image = await buildOnFoundation(context, request, plan, images);
  requireMountable(context, path, image.variants);
  return image;
}

async function buildOnFoundation(
  context: BuildContext,
  { path, formats }: ImageRequest,
  plan: Recipe,
  images: BuiltImages,
): Promise<BuiltImage> {
  const platform = platformOf(plan, images);
  const foundation = await layFoundation(context, path, plan, platform, formats, images);
  const inherited = foundation.configuration?.runtime ?? {};
  const created = isoSeconds(context.epoch);
  const deltas = [...foundation.deltas];
  const steps = new Map(formats.map((format) => [format, [...(foundation.variants.get(format)?.steps ?? [])]]));
  const add = async (delta: Delta): Promise<void> => {
    const packed = await packDelta(context, path, delta, formats, [...deltas]);
    deltas.push(packed.delta);
    for (const [format, layer] of packed.layers) {
      steps.get(format)?.push({ history: { created, created_by: delta.createdBy }, layer });
    }
  };
  for (const delta of foundation.added) await add(delta);
  const files = (image: string): readonly KnownDelta[] => requireImage(images, image).deltas;
  const own = await ownDelta(context, path, plan, inherited, [...deltas], files);
  if (own !== undefined) await add(own);
  const labels = plan.type === 'layer' ? await generatedLabels(context, path, plan, inherited, deltas, files) : {};
  const config = applyConfig(withLabels(inherited, labels), plan.config);
  // Where only the config is new the layers below need not be here.
  if (own !== undefined) await warnOfUser(context, path, deltas, config.User);
  if (own === undefined && config !== inherited) for (const list of steps.values()) list.push(configStep(created));
  return {
    path,
    plan,
    platform,
    configuration: {
      name: path,
      runtime: config,
      layers: deltas.map(({ contentKey }) => contentKey),
      declared: declaredConfig(plan.config),
      base: foundation.configuration,
    },
    deltas,
    base: foundation.base,
    variants: variantsOf(foundation, platform, config, steps),
  };
}

async function ownDelta(
  context: BuildContext,
  path: string,
  plan: Recipe,
  config: RuntimeConfig,
  base: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Delta | undefined> {
  if (plan.type === 'debian-packages') return debianDelta(context, path, plan);
  if (plan.run === undefined) return layerDelta(context, path, plan, base, files);
  return runDelta(context, path, { ...plan, run: plan.run }, config, base, files);
}

async function warnOfUser(
  context: BuildContext,
  image: string,
  deltas: readonly KnownDelta[],
  user: string | undefined,
): Promise<void> {
  const missing = await missingAccount(context, deltas, user);
  if (missing === undefined) return;
  const message = `containers start as user '${user ?? ''}', but there is no ${missing}`;
  context.listener({ code: 'warning', id: 'user-unknown', message, image });
}

function configStep(created: string): ImageStep {
  return { history: { created, created_by: 'config', empty_layer: true } };
}

function variantsOf(
  foundation: Foundation,
  platform: Platform,
  config: RuntimeConfig,
  steps: ReadonlyMap<LayerFormat, readonly ImageStep[]>,
): ReadonlyMap<LayerFormat, ImageVariant> {
  return new Map(
    [...steps].map(([format, list]): [LayerFormat, ImageVariant] => [
      format,
      { platform, config, steps: list, base: foundation.variants.get(format) },
    ]),
  );
}
