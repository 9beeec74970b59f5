import { redactReference, StackError } from '../../core';
import { formatReference, parseReference } from '../../oci';
import type { SourcePlan } from '../../plan';
import { Image } from '../image';
import { ImageSource } from '../image-source';
import { membersOf, nonEmptyText, objectOf, wrong, type Check } from './checks';
import { sha256Hex } from './digest-text';
import { fileRef, imageKey, type Rendering } from './rendering';

const WANTED = "an image, an ImageSource, 'scratch', 'tar:PATH', 'tar:URL', 'oci:DIR[:REF]' or 'docker://REF'";

/** How skopeo and others write that an image is in a registry. */
const DOCKER = 'docker://';

/** The plan of what a layer stands on. */
export function renderSource(rendering: Rendering, what: string, from: unknown): SourcePlan | undefined {
  if (Image.isImage(from)) {
    const image = imageKey(rendering, what, from);
    return image === undefined ? undefined : { type: 'image', image };
  }
  const source = typeof from === 'string' ? parseSource(from) : from;
  if (ImageSource.isImageSource(source)) return renderSpec(rendering, what, source);
  const hint = 'to stand on another image of the app, pass the construct itself';
  return typeof from === 'string'
    ? wrong(rendering.report, what, redactReference(from), WANTED, hint)
    : wrong(rendering.report, what, from, WANTED);
}

function parseSource(text: string): ImageSource | undefined {
  if (text === 'scratch') return ImageSource.scratch();
  if (text.startsWith('tar:')) return ImageSource.tar(text.slice('tar:'.length));
  if (text.startsWith(DOCKER)) return ImageSource.registry(text.slice(DOCKER.length));
  const layout = /^oci:([^:]*)(?::(.*))?$/s.exec(text);
  return layout === null ? undefined : ImageSource.ociLayout(layout[1] ?? '', layout[2]);
}

/** What an image from outside was built from: another one from outside. */
export function renderBase(rendering: Rendering, what: string, base: unknown): SourcePlan | undefined {
  const source = renderSource(rendering, what, base);
  if (source === undefined || source.type === 'registry' || source.type === 'oci-layout') return source;
  return wrong(rendering.report, what, base, 'an image in a registry or an OCI layout');
}

function renderSpec(rendering: Rendering, what: string, { spec }: ImageSource): SourcePlan | undefined {
  switch (spec.type) {
    case 'scratch':
      return { type: 'scratch' };
    case 'tar': {
      objectOf('type', 'file', 'sha256')(rendering.report, what, spec);
      const file = fileRef(rendering, `${what}.file`, spec.file, 'file');
      const sha256 = membersOf<'sha256'>(rendering.report, `${what}.`, spec)('sha256', sha256Hex);
      return file && { type: 'tar', file, sha256 };
    }
    case 'oci-layout': {
      const directory = nonEmptyText(rendering.report, `${what}.directory`, spec.directory);
      const reference = membersOf<'reference'>(rendering.report, `${what}.`, spec)('reference', nonEmptyText);
      return directory === undefined ? undefined : { type: 'oci-layout', directory, reference };
    }
    case 'registry': {
      const reference = registryReference(rendering.report, `${what}.reference`, spec.reference);
      return reference === undefined ? undefined : { type: 'registry', reference };
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

/** Complete, so that equal images have equal references, in the lock file too. */
const registryReference: Check<string> = (report, what, value) => {
  if (typeof value !== 'string') return wrong(report, what, value, 'a string');
  try {
    return formatReference(parseReference(value));
  } catch (error) {
    if (!StackError.is(error)) throw error;
    report('STACK2006', `${what} cannot be used: ${error.message}`, error.hint);
    return undefined;
  }
};
