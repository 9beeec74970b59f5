import type { ImageProps } from './image-props';
import type { ImageSource } from './image-source';
import type { IImage, LayerFile } from './reference';

/** What a `Layer` is made of. */
export interface LayerProps extends ImageProps {
  /**
   * What the layer stands on: another image of the app, an `ImageSource`, or one written as text: `scratch`, `tar:PATH`, `tar:URL`,
   * `oci:DIR[:REF]`.
   * @default scratch, nothing
   */
  readonly from?: ImageSource | IImage | string | undefined;
  /** Files and directories put into the layer, in this order: a later one replaces what an earlier one put at the same path. @default none */
  readonly imports?: readonly Import[] | undefined;
  /**
   * Script that runs in a sandbox, as root of it, on top of the base and the imports; what it changes becomes part of the layer.
   * Run by its own `#!` line, else by `/bin/sh -xe`; a list is joined by newlines. It sees the base's environment,
   * `buildEnv`, `SOURCE_DATE_EPOCH` (the epoch) and `STACK_LAYER_NAME`. It runs again only when something it depends on has
   * changed by content. @default none
   */
  readonly run?: string | readonly string[] | undefined;
  /** Environment of `run`; not part of the image. @default none */
  readonly buildEnv?: Readonly<Record<string, string>> | undefined;
  /**
   * Which variables of the deploying process `run` gets too: regular expressions that must match the whole name. Their
   * values count as input. @default the proxies, in lower and upper case
   */
  readonly buildEnvPassthrough?: readonly string[] | undefined;
  /** Network of `run`: the host's, or nothing but the loopback. @default 'host' */
  readonly network?: 'host' | 'none' | undefined;
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
 * | URL `https://h/f?q` | `/b/` | `/b/f` |
 *
 * The app's own files get uid and gid 0, the mode 0755 (directories, and what its owner may execute) or 0644, and the app's epoch
 * as their time, so the layer does not depend on who builds it where. What comes out of another image keeps its metadata. What is
 * downloaded is a file of uid and gid 0, mode 0644, and that same time.
 */
export interface Import {
  /**
   * Path of a file or directory, an `http` or `https` URL, or `image.file('/path')`. A relative path starts in the app's directory; an absolute one is kept as
   * it is, so such a plan works only where that path exists. A symbolic link is followed unless it dangles; links inside a directory
   * stay links.
   *
   * The content of a URL without `sha256` is locked in cdk-stack.lock.json when it is first used. The plan and the lock file have the
   * URL whole, with whatever its query gives access to; messages leave the query out.
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
