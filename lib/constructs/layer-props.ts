import type { ImageProps } from './image-props';
import type { ImageSource } from './image-source';
import type { IImage, LayerFile } from './reference';

/** What a `Layer` is made of. */
export interface LayerProps extends ImageProps {
  /**
   * What the layer stands on: another image of the app, an `ImageSource`, or one written as text: `scratch`, `tar:PATH`, `oci:DIR[:REF]`.
   * @default scratch, nothing
   */
  readonly from?: ImageSource | IImage | string | undefined;
  /** Files and directories put into the layer, in this order: a later one replaces what an earlier one put at the same path. @default none */
  readonly imports?: readonly Import[] | undefined;
}

/**
 * A file or directory to put into a layer.
 *
 * A trailing slash means what it means to rsync:
 *
 * | source | dest | result |
 * | --- | --- | --- |
 * | directory `a` or `a/` | `/b` | the contents of `a` in `/b` |
 * | directory `a` | `/b/` | `/b/a` |
 * | directory `a/` | `/b/` | the contents of `a` in `/b` |
 * | file `f` | `/b/` | `/b/f` |
 * | file `f` | `/b` | the file `/b`; an error where the base has a directory `/b` |
 *
 * The app's own files get uid and gid 0, the mode 0755 (directories, and what its owner may execute) or 0644, and the app's epoch
 * as their time, so the layer does not depend on who builds it where. What comes out of another image keeps its metadata.
 */
export interface Import {
  /**
   * Path of a file or directory, or `image.file('/path')`. A relative path starts in the app's directory; an absolute one is kept as
   * it is, so such a plan works only where that path exists. A symbolic link is followed unless it dangles; links inside a directory
   * stay links.
   */
  readonly source: string | LayerFile;
  /** Absolute path in the image, without `..`. */
  readonly dest: string;
  /** Expected sha256, 64 hex characters: of the file, or for a directory of its path index. @default not checked */
  readonly sha256?: string | undefined;
  /** Permission bits of the files, 0 to 0o7777; directories keep theirs. @default as described above */
  readonly mode?: number | undefined;
  /** Owner of everything imported. @default as described above */
  readonly uid?: number | undefined;
  /** Group of everything imported. @default as described above */
  readonly gid?: number | undefined;
  /** What to leave out of a directory: patterns as in a .dockerignore file, relative to `source`. @default nothing */
  readonly exclude?: readonly string[] | undefined;
}
