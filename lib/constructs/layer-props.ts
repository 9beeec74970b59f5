import type { ImageProps } from './image-props';
import type { ImageSource } from './image-source';
import type { IImage, LayerFile } from './reference';

/** What a `Layer` is made of. */
export interface LayerProps extends ImageProps {
  /**
   * What the layer stands on: another image of the app, an `ImageSource`, or one written as text: `scratch`, `tar:PATH`, `tar:URL`,
   * `oci:DIR[:REF]`, `docker://REF`.
   * @default scratch, nothing
   */
  readonly from?: ImageSource | IImage | string | undefined;
  /**
   * Files and directories put into the layer, in this order: a later one replaces what an earlier one put
   * at the same path, with a warning where they differ.
   * A path or an `image.file('/path')` alone is for `run` to read, as `/stack/imports/NAME`. @default none
   */
  readonly imports?: readonly (string | LayerFile | Import)[] | undefined;
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
  /**
   * Files and directories of this machine that `run` sees and that are not part of the layer. As text: `PATH`, or
   * `PATH -> DEST`. @default none
   */
  readonly binds?: readonly (string | Bind)[] | undefined;
  /**
   * Directories that are kept for the next `run`, such as a package manager's downloads; not part of the layer. An absolute path
   * alone is a cache of this layer's own, which one script uses at a time. @default none
   */
  readonly caches?: readonly (string | Cache)[] | undefined;
  /** What `run` may read and nobody else. Neither a secret nor anything made of it is an input. @default none */
  readonly secrets?: readonly Secret[] | undefined;
  /**
   * What of `run`'s changes is left out: patterns as in a .dockerignore file, from the root of the image.
   * @default nothing
   */
  readonly exclude?: readonly string[] | undefined;
  /**
   * Leaves out what package managers and programs leave behind: lists, downloads and logs of apt, dpkg, apk, dnf and yum,
   * `/root/.cache`, and what is in `/tmp`, `/var/tmp` and `/run`. @default false
   */
  readonly clean?: boolean | undefined;
  /**
   * Range of ids for the system users and groups that `run` adds, 1 to 31: lane N is 12 ids from 188 + 12 N on. Users and groups of
   * well-known packages have an id of their own in every layer; `false` leaves all ids as the base has them. So layers on one base can
   * be combined without one id having two names. It is for programs that read `/etc/adduser.conf` or `/etc/login.defs`, and an input
   * where the base has these. @default a range of its own for each `Layer` with `run` that is part of a published image and shares
   * its base with others; else the base's own range
   */
  readonly idLane?: number | false | undefined;
  /**
   * Script that runs on the finished layer as `run` does, in a copy that is thrown away: each file it leaves in
   * `/stack/oci-labels` becomes a label of its name; a newline at the end is dropped. `config.labels` win. @default none
   */
  readonly generateLabels?: string | readonly string[] | undefined;
}

/** A file or directory of this machine that a script sees. */
export interface Bind {
  /** Path; a relative one starts in the app's directory. */
  readonly source: string;
  /** Absolute path where the script sees it. @default source, which must be absolute then */
  readonly dest?: string | undefined;
  /** Whether the script cannot change it. @default true */
  readonly readonly?: boolean | undefined;
  /**
   * Stands for the content: the script runs again when this text changes, and the content is not looked at.
   * @default the content counts as input
   */
  readonly cacheKey?: string | undefined;
}

/** A directory that is kept for later scripts. */
export interface Cache {
  /** Absolute path where the script sees it. */
  readonly path: string;
  /** Names a cache that several layers of the app share. @default a cache of this layer's own */
  readonly id?: string | undefined;
  /**
   * What becomes of scripts that want it at the same time: they wait for each other (`locked`), use it together (`shared`), or each
   * has one of its own (`private`). @default 'locked'
   */
  readonly sharing?: 'shared' | 'private' | 'locked' | undefined;
}

/**
 * Something that a script may read: a token, a key. It is taken from a file or from a variable of the deploying process, and
 * only when the script runs. It is on no disk, in no layer, plan or key, and shown as `***` in what the script writes.
 */
export interface Secret {
  /** Names it, in messages and for `dest`. */
  readonly id: string;
  /** File that has it; a relative path starts in the app's directory. */
  readonly file?: string | undefined;
  /** Variable of the deploying process that has it. */
  readonly env?: string | undefined;
  /** Absolute path where the script reads it, or the name of a variable that the script gets. @default `/run/secrets/ID` */
  readonly dest?: string | undefined;
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
  /**
   * Absolute path in the image, without `..`. Below `/stack/imports` it is for `run` to read and not part of the layer.
   * @default `/stack/imports/NAME`, NAME being the last part of the source's path
   */
  readonly dest?: string | undefined;
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
