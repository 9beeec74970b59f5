import { StackError } from '../core';
import type { RuntimeConfig } from '../oci';
import type { ImagePlan, LayerFormat, StackedPlan } from '../plan';
import {
  applyConfig,
  checkLayers,
  declaredConfig,
  mergeConfigs,
  recordOf,
  settledBy,
  sharedConfiguration,
  stackImages,
  type Commute,
  type Component,
  type Configuration,
  type ImageVariant,
} from '../stack';
import {
  requireImage,
  type BaseReference,
  type BuiltImage,
  type BuiltImages,
  type CombinedDeltas,
  type ImageRequest,
} from './built-image';
import { checkConflicts } from './check-conflicts';
import { missingAccount } from './check-user';
import { withCommuting } from './commuting';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { glueOn } from './glue-layer';
import { manifestDigestOf } from './manifest-digest';
import { requireMountable } from './mountable';
import { orderedDeltas } from './ordered-deltas';
import { namedBases, withNamedBase, type NamedBases } from './known-base';
import { platformOf } from './platform';
import { comparedDeltas } from './rebased-deltas';

/**
 * Builds a combination. Nothing is packed for it but a glue layer, where its components contradict each other in what can be
 * settled.
 * @throws StackError STACK5001 to STACK5006, and as `checkConflicts` and `packDelta`
 */
export async function buildStacked(
  context: BuildContext,
  { path, formats }: ImageRequest,
  plan: StackedPlan,
  images: BuiltImages,
): Promise<BuiltImage> {
  const parts = plan.components.map((component) => requireImage(images, component));
  const [format] = formats;
  const bases = await namedBases(
    context,
    path,
    format === undefined ? [] : parts.map((part) => componentOf(part, format)),
  );
  const variantIn = (format: LayerFormat, commute?: Commute): [LayerFormat, ImageVariant] => {
    const [first, ...others] = parts.map((part) => componentOf(part, format, bases));
    if (first === undefined) throw new StackError('STACK2006', 'a stacked image needs at least one component');
    const combined = stackImages([first, ...others], settledBy(plan.config), commute);
    const declared = plan.config === undefined ? {} : { declared: plan.config };
    return [format, { ...combined, ...declared, config: applyConfig(combined.config, plan.config) }];
  };
  const warn = (message: string): void => {
    context.listener({ code: 'warning', id: 'layer-order', message, image: path });
  };
  const stackAll = (commute?: Commute): readonly (readonly [LayerFormat, ImageVariant])[] =>
    formats.map((format) => variantIn(format, commute));
  const variants = await withCommuting(context, parts, formats, stackAll, warn);
  for (const [, variant] of variants) checkLayers(variant); // before all of them are compared
  const published = new Map(variants);
  const combinations: CombinedDeltas[] = [];
  for (const combined of await orderedDeltas(context, parts, formats)) {
    const glue = await checkConflicts(context, path, {
      ...combined,
      compared: comparedDeltas(context, combined),
      how: plan,
    });
    const whole = glue === undefined ? combined.deltas : [...combined.deltas, glue.delta];
    await checkUser(context, path, parts, whole, variants[0]?.[1].config.User);
    const inThese = new Map(variants.filter(([each]) => combined.formats.includes(each)));
    const glued = glue && (await glueOn(context, path, glue, inThese, combined.deltas));
    for (const [each, variant] of glued?.variants ?? []) published.set(each, variant);
    combinations.push({ ...combined, deltas: [...combined.deltas, ...(glued?.deltas ?? [])] });
  }
  requireMountable(context, path, published);
  const { deltas, combines } = asTar(combinations);
  return {
    path,
    plan,
    platform: platformOf(plan, images),
    configuration: configurationOf(path, parts, plan, variants[0]?.[1].config),
    variants: published,
    deltas,
    combines,
    records: new Map(
      variants.map(([format, variant]) => {
        const digestOf = (name: string): string => manifestDigestOf(context, requireImage(images, name), format);
        return [format, recordOf(variant, plan, digestOf)];
      }),
    ),
    base: sharedBase(parts),
  };
}

/**
 * What others see of a combination that differs in its formats: the layers of its tar, which stand last, rely on those below, so
 * that they fit also elsewhere.
 */
export function asTar(combinations: readonly CombinedDeltas[]): CombinedDeltas {
  const combined = combinations.at(-1);
  if (combined === undefined) throw new StackError('STACK9001', 'there is nothing to combine');
  return combined;
}

/**
 * What an image consists of in each of its formats, also of a combination that is not built, since its components contradict
 * each other. The last one is that of its tar, where it has one.
 * @param images the image, or the components of a combination
 * @throws StackError STACK5003, and as `indexesOf`
 */
export async function combinedDeltas(
  context: BuildContext,
  path: string,
  plan: ImagePlan,
  images: BuiltImages,
): Promise<readonly CombinedDeltas[]> {
  const formats = [...(plan.formats ?? context.plan.formats)].sort();
  if (plan.type === 'stacked-image') {
    const parts = plan.components.map((component) => requireImage(images, component));
    return (await orderedDeltas(context, parts, formats, false)).map((combined) => ({ ...combined, how: plan }));
  }
  const { deltas } = requireImage(images, path);
  return [{ deltas, combines: [{ name: path, deltas }] }];
}

/**
 * The configuration of a combination that is not built.
 * @throws StackError STACK5004
 */
export function combinedConfiguration(path: string, plan: StackedPlan, images: BuiltImages): Configuration {
  const parts = plan.components.map((component) => requireImage(images, component));
  return configurationOf(path, parts, plan);
}

/** @param runtime of the image in a format; in none only its files are wanted, and it is merged here */
function configurationOf(
  name: string,
  parts: readonly BuiltImage[],
  plan: StackedPlan,
  runtime?: RuntimeConfig,
): Configuration {
  const components = parts.map(({ configuration }) => configuration);
  const base = sharedConfiguration(components);
  const configs = components.map((each) => ({ name: each.name, config: each.runtime }));
  return {
    name,
    layers: [...new Set(components.flatMap(({ layers }) => layers))],
    runtime: runtime ?? applyConfig(mergeConfigs(configs, base?.runtime, settledBy(plan.config)), plan.config),
    declared: declaredConfig(plan.config),
    base,
    components,
  };
}

/** @throws StackError STACK5038 for a user that the merged account files lack: no container of the image would start */
async function checkUser(
  context: BuildContext,
  path: string,
  parts: readonly BuiltImage[],
  deltas: readonly KnownDelta[],
  user: string | undefined,
): Promise<void> {
  const missing = await missingAccount(context, deltas, user);
  if (missing === undefined) return;
  const setters = parts.filter(({ configuration }) => configuration.runtime.User === user);
  const names = setters.length === 0 ? [path] : setters.map((part) => part.path);
  throw new StackError(
    'STACK5038',
    `containers would start as user '${user ?? ''}', which ${names.map((name) => `'${name}'`).join(' and ')} sets, but there is no ${missing}`,
    {
      hint: 'add it in one of the components, or set config: { user: … } on the combined image to one that is there, or to a number',
    },
  );
}

function componentOf(part: BuiltImage, format: LayerFormat, bases?: NamedBases): Component {
  const variant = part.variants.get(format);
  if (variant === undefined) throw new StackError('STACK9001', `'${part.path}' was not built as ${format}`);
  return { name: part.path, variant: bases === undefined ? variant : withNamedBase(variant, bases) };
}

function sharedBase([first, ...others]: readonly BuiltImage[]): BaseReference | undefined {
  const isShared = others.every(({ base }) => base?.digest === first?.base?.digest);
  return isShared ? first?.base : undefined;
}
