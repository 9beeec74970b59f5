import type { SourcePlan } from '../../plan';
import { Image } from '../image';
import { ImageSource } from '../image-source';
import { membersOf, nonEmptyText, show, wrong } from './checks';
import { sha256Hex } from './digest-text';
import { fileRef, imageKey, type Rendering } from './rendering';

const WANTED = "an image, an ImageSource, 'scratch', 'tar:PATH', 'tar:URL' or 'oci:DIR[:REF]'";

/** The plan of what a layer stands on. */
export function renderSource(rendering: Rendering, what: string, from: unknown): SourcePlan | undefined {
  if (Image.isImage(from)) {
    const image = imageKey(rendering, what, from);
    return image === undefined ? undefined : { type: 'image', image };
  }
  const source = typeof from === 'string' ? parseSource(from) : from;
  if (ImageSource.isImageSource(source)) return renderSpec(rendering, what, source);
  if (typeof from !== 'string') return wrong(rendering.report, what, from, WANTED);
  if (!from.startsWith('docker:')) {
    return wrong(
      rendering.report,
      what,
      from,
      WANTED,
      'to stand on another image of the app, pass the construct itself',
    );
  }
  rendering.report(
    'STACK2006',
    `${what} is ${show(from)}, but images in registries are not supported yet`,
    `copy it into an OCI layout, for example with skopeo copy ${from} oci:bases:NAME, and use 'oci:bases:NAME'`,
  );
  return undefined;
}

function parseSource(text: string): ImageSource | undefined {
  if (text === 'scratch') return ImageSource.scratch();
  if (text.startsWith('tar:')) return ImageSource.tar(text.slice('tar:'.length));
  const layout = /^oci:([^:]*)(?::(.*))?$/s.exec(text);
  return layout === null ? undefined : ImageSource.ociLayout(layout[1] ?? '', layout[2]);
}

function renderSpec(rendering: Rendering, what: string, { spec }: ImageSource): SourcePlan | undefined {
  switch (spec.type) {
    case 'scratch':
      return { type: 'scratch' };
    case 'tar': {
      const file = fileRef(rendering, `${what}.file`, spec.file, 'file');
      const sha256 = membersOf<'sha256'>(rendering.report, `${what}.`, spec)('sha256', sha256Hex);
      return file && { type: 'tar', file, sha256 };
    }
    case 'oci-layout': {
      const directory = nonEmptyText(rendering.report, `${what}.directory`, spec.directory);
      const reference = membersOf<'reference'>(rendering.report, `${what}.`, spec)('reference', nonEmptyText);
      return directory === undefined ? undefined : { type: 'oci-layout', directory, reference };
    }
    default:
      // A newer copy of this package can have sources that this one does not know.
      return wrong(
        rendering.report,
        what,
        (spec as { readonly type: unknown }).type,
        'a source this version of cdk-stack knows',
      );
  }
}
