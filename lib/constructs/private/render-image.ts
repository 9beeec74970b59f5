import { isKnownArchitecture, isTag, parsePlatform, suggestPlatform } from '../../oci';
import type { ImagePlan, LayerPlan, StackedPlan } from '../../plan';
import type { ImageProps } from '../image-props';
import type { LayerProps } from '../layer-props';
import type { IImage } from '../reference';
import type { StackedImageProps } from '../stacked-image-props';
import {
  anyText,
  flag,
  isObject,
  listOf,
  mapOf,
  membersOf,
  oneOf,
  setOf,
  show,
  suggestion,
  wrong,
  type Check,
} from './checks';
import type { Declaration } from './declaration';
import type { Reporter } from './problems';
import { config } from './render-config';
import { conflicts } from './render-conflicts';
import { checkKnown } from './known-properties';
import { renderDebian } from './render-debian';
import { renderImport } from './render-import';
import { mergers } from './render-mergers';
import { renderScript } from './render-script';
import { renderBase, renderSource } from './render-source';
import { imageKey, type Rendering } from './rendering';

/** Formats of an image or an app. */
export const formats = setOf(oneOf('tar', 'squashfs'));

/** Go's names of operating systems that images are made for (image-spec, config.md: values of GOOS). */
const SYSTEMS: ReadonlySet<string> = new Set([
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'netbsd',
  'openbsd',
  'dragonfly',
  'solaris',
  'illumos',
  'aix',
  'plan9',
  'wasip1',
]);

const annotations = mapOf('a name that is not empty', (key) => key !== '');

const platform: Check<string> = (report, what, value) => {
  const parsed = typeof value === 'string' ? parsePlatform(value) : undefined;
  const isGood = SYSTEMS.has(parsed?.os ?? '') && isKnownArchitecture(parsed?.architecture ?? '');
  if (typeof value === 'string' && isGood) return value;
  const meant = typeof value === 'string' ? suggestPlatform(value) : undefined;
  const hint = `write OS/ARCHITECTURE[/VARIANT], in the names Go has for both; systems are ${[...SYSTEMS].join(', ')}`;
  const wanted = 'a platform such as "linux/amd64" or "linux/arm64/v8"';
  return wrong(report, what, value, wanted, meant === undefined ? hint : suggestion(meant));
};

const tag: Check<string> = (report, what, value) => {
  if (typeof value === 'string' && isTag(value)) return value;
  report(
    'STACK2009',
    `${what} is ${show(value)}; a tag has at most 128 letters, digits, "_", "." and "-", and starts with none of the last two`,
  );
  return undefined;
};

/** The recipe of an image; undefined, or made of whatever was good, when something was reported. */
export function renderImage(rendering: Rendering, image: IImage, declaration: Declaration): ImagePlan | undefined {
  const { report } = rendering;
  const given = declaration.type === 'layer' && 'given' in declaration ? declaration.given : declaration.props;
  if (!isObject(given)) return wrong(report, 'props', given, 'an object');
  checkKnown(report, image, given);
  const read = membersOf<keyof ImageProps>(report, '', declaration.props);
  const common = {
    name: read('imageName', anyText) ?? (given['imageName'] === undefined ? image.imageName : defaultName(image)),
    tags: read('tags', listOf(tag)),
    buildOnly: read('buildOnly', flag) ?? false,
    platform: read('platform', platform),
    formats: read('formats', formats),
    config: read('config', config),
    annotations: read('annotations', annotations),
  };
  switch (declaration.type) {
    case 'layer':
      return { ...common, ...renderLayer(rendering, declaration.props) };
    case 'stacked-image':
      return {
        ...common,
        type: 'stacked-image',
        components: renderComponents(rendering, declaration.components),
        ...renderSettling(rendering, declaration.props),
      };
    case 'debian-packages':
      return { ...common, ...renderDebian(rendering, declaration.props) };
    default:
      return foreignKind(report, declaration);
  }
}

/** Stands in for a name that is none, so that it is reported once. */
function defaultName({ node }: IImage): string {
  return node.path.replaceAll('/', '-');
}

/** An image of a newer copy of this package can be of a kind that this one does not know. */
function foreignKind(report: Reporter, { type }: { readonly type: string }): undefined {
  report(
    'STACK2006',
    `the image was declared by another version of cdk-stack, as ${show(type)}`,
    'install one version of cdk-stack for the app and all libraries it uses',
  );
}

type LayerRecipe = Omit<LayerPlan, keyof Omit<ImageProps, 'imageName'> | 'name' | 'source'>;

function renderLayer(rendering: Rendering, props: LayerProps): LayerRecipe {
  const read = membersOf<keyof LayerProps>(rendering.report, '', props);
  const imports =
    read(
      'imports',
      listOf((_, what, value) => renderImport(rendering, what, value)),
    ) ?? [];
  return {
    type: 'layer',
    from: read('from', (_, what, value) => renderSource(rendering, what, value)) ?? { type: 'scratch' },
    base: membersOf<'base'>(
      rendering.report,
      '',
      props,
    )('base', (_, what, value) => renderBase(rendering, what, value)),
    imports,
    ...renderScript(rendering, props, imports),
  };
}

function renderSettling(
  rendering: Rendering,
  props: StackedImageProps,
): Pick<StackedPlan, 'conflicts' | 'mergers' | 'glue'> {
  const read = membersOf<keyof StackedImageProps>(rendering.report, '', props);
  return {
    conflicts: read('conflicts', conflicts),
    mergers: read('mergers', mergers(rendering)),
    glue: read('glue', oneOf('allow', 'forbid')),
  };
}

function renderComponents(rendering: Rendering, components: unknown): string[] {
  const isFilled = Array.isArray(components) && components.length > 0;
  if (!isFilled) wrong(rendering.report, 'components', components, 'an array of at least one image');
  const keys = listOf((_, what, value) => imageKey(rendering, what, value));
  return (isFilled ? keys(rendering.report, 'components', components) : undefined) ?? [];
}
