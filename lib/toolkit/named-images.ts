import { StackError } from '../core';
import { encodeDocument, formatPlatform, MEDIA_TYPE, type BlobSource, type Descriptor } from '../oci';
import type { EncodedBlob } from '../build';
import type { LayerFormat } from '../plan';
import type { PublishedImage } from './published-images';
import { refNameIn, suffixOf, type ImageName } from './target';

/** Whether each format of an image has a tag of its own, or all are in one index. */
export type FormatTags = 'suffix' | 'index';

/** What one name stands for: an image, or an index of one image for several platforms or in several formats. */
export interface NamedImage extends ImageName {
  readonly images: readonly [PublishedImage, ...PublishedImage[]];
  /** Of the image's manifest, with its platform, or of the index. */
  readonly manifest: Descriptor;
  /** The index itself. */
  readonly index?: EncodedBlob | undefined;
}

/**
 * What a deploy publishes, by name, in the order of the images.
 * @throws StackError STACK2003 when two images for one platform would have the same name
 */
export function nameImages(images: readonly PublishedImage[], formatTags: FormatTags): readonly NamedImage[] {
  const groups = new Map<string, { readonly named: ImageName; readonly images: PublishedImage[] }>();
  for (const image of images) {
    const suffix = formatTags === 'suffix' ? suffixOf(image.format) : '';
    const { name } = image.plan;
    for (const tag of tagsOf(image)) {
      const named = { name, tag, suffix };
      const reference = refNameIn(named);
      const group = groups.get(reference) ?? { named, images: [] };
      groups.set(reference, group);
      requireRoom(group.images, image, reference);
      group.images.push(image);
    }
  }
  return [...groups.values()].flatMap(({ named, images: group }): NamedImage[] => {
    const [first, ...others] = group;
    if (first === undefined) return [];
    if (others.length === 0) return [{ ...named, images: [first], manifest: first.encoded.manifest }];
    const index = indexOf([first, ...others]);
    return [{ ...named, images: [first, ...others], manifest: index.descriptor, index }];
  });
}

/** Everything that must be there before the name is, the manifest or index included. */
export function blobsOf({ images, index }: NamedImage): readonly EncodedBlob[] {
  return [...images.flatMap(({ encoded }) => encoded.blobs), ...(index === undefined ? [] : [index])];
}

function tagsOf({ tags }: PublishedImage): readonly (string | undefined)[] {
  return tags === undefined || tags.length === 0 ? [undefined] : tags;
}

function requireRoom(group: readonly PublishedImage[], image: PublishedImage, reference: string): void {
  const other = group.find((each) => each.plan.name !== image.plan.name || entryName(each) === entryName(image));
  if (other === undefined) return;
  throw new StackError('STACK2003', `'${other.path}' and '${image.path}' would both be published as '${reference}'`, {
    hint: 'give one of them another imageName, or another platform',
  });
}

/** Platform and format, which tell images of one index apart. */
function entryName({ encoded, format }: PublishedImage): string {
  const { platform } = encoded.manifest;
  return `${platform === undefined ? '' : formatPlatform(platform)} ${format === 'tar' ? '' : format}`;
}

/** Sorted, so that it does not depend on the order of constructs; tar first, since older clients take what comes first. */
function indexOf(images: readonly PublishedImage[]): BlobSource {
  const sorted = [...images].sort((a, b) => (entryName(a) < entryName(b) ? -1 : 1));
  const { descriptor, content } = encodeDocument(MEDIA_TYPE.index, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.index,
    manifests: sorted.map(({ encoded, format }) => entryOf(encoded.manifest, format)),
  });
  return { descriptor, from: content };
}

/** That a system can mount filesystem images is what the specification calls a feature of it (image-index.md, `os.features`). */
function entryOf(manifest: Descriptor, format: LayerFormat): Descriptor {
  if (format === 'tar' || manifest.platform === undefined) return manifest;
  return { ...manifest, platform: { ...manifest.platform, 'os.features': [format] } };
}
