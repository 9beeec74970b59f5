import type { IConstruct } from 'constructs';
import { redactCredentials } from '../../core';
import { isUrl, parseUrl, type FileRef } from '../../plan';
import { Image } from '../image';
import { LayerFile } from '../reference';
import { show, wrong } from './checks';
import type { Reporter } from './problems';
import { lookAt } from './look-at';

/** What one image's recipe is made with. */
export interface Rendering {
  readonly report: Reporter;
  /** The app's directory, absolute. */
  readonly directory: string;
  /** Whether a construct is an image of the app that is being synthesized. */
  readonly isOurs: (image: IConstruct) => boolean;
  readonly root: IConstruct;
}

/** The key of an image another one uses; reports STACK2010 when it is not in the app, STACK2006 when it is no image. */
export function imageKey(rendering: Rendering, what: string, image: unknown): string | undefined {
  if (!Image.isImage(image)) return wrong(rendering.report, what, image, 'an image, such as a Layer');
  if (rendering.isOurs(image)) return image.node.path;
  const isRemoved = image.node.root === rendering.root;
  rendering.report(
    'STACK2010',
    `${what} is the image ${show(image.node.path)}, which ${isRemoved ? 'was removed from the tree' : 'belongs to another app'}`,
    isRemoved
      ? 'do not use it, or do not remove it'
      : 'create it in this app, or publish it and use it as a PublishedImage',
  );
  return undefined;
}

/**
 * A file of the user's, which must exist, one in another image, or one to download.
 * @param kind `file` where a directory is of no use; in an image that shows only when it is built
 */
export function fileRef(
  rendering: Rendering,
  what: string,
  source: unknown,
  kind: 'any' | 'file',
): FileRef | undefined {
  if (LayerFile.isLayerFile(source)) return imageFile(rendering, what, source);
  if (typeof source !== 'string' || source === '' || source.includes('\0')) {
    return wrong(rendering.report, what, source, "a path, a URL, or image.file('/path')");
  }
  if (isUrl(source)) return urlRef(rendering, what, source);
  const hint = foreignHint(source);
  if (hint !== undefined) return wrong(rendering.report, what, redactCredentials(source), 'a path or a URL', hint);
  const stat = lookAt(rendering, what, source);
  if (stat === undefined) return undefined;
  if (kind === 'file' && stat.isDirectory())
    return wrong(rendering.report, what, source, 'a file, and it is a directory');
  return { type: 'path', path: source };
}

function imageFile(rendering: Rendering, what: string, file: LayerFile): FileRef | undefined {
  const image = imageKey(rendering, `${what}.image`, file.image);
  const isGood = typeof file.path === 'string' && file.path.startsWith('/') && !/(^|\/)\.\.(\/|$)|\0/.test(file.path);
  if (!isGood) wrong(rendering.report, `${what}.path`, file.path, 'an absolute path in the image, without ".."');
  return image === undefined ? undefined : { type: 'image-file', image, path: file.path };
}

function urlRef({ report }: Rendering, what: string, source: string): FileRef | undefined {
  const parsed = parseUrl(source);
  if ('url' in parsed) return { type: 'url', url: parsed.url };
  report('STACK2006', `${what} ${parsed.fault}`, parsed.hint);
  return undefined;
}

/** What to do about a source that only looks like a path; undefined when it is one. */
function foreignHint(source: string): string | undefined {
  if (source.startsWith('stacker://')) return "write image.file('/path')";
  return /^ftps?:\/\//i.test(source) ? 'download it first: only http and https can be used' : undefined;
}
