import { StackError, type Listener } from '../core';
import { parsePlatform } from '../oci';
import { parsePlace } from './image-place';
import { preparePlacing, type PlacedImage } from './place-image';
import { registryOnce } from './registry-once';
import { readStoredImage } from './stored-image';

/** What to copy, and where to. */
export interface CopyOptions {
  /** `docker://HOST/NAME[:TAG|@DIGEST]` or `oci:DIR[:NAME]`. */
  readonly from: string;
  /** The same; a registry's tag is `latest` by default, a layout's name that of the source. */
  readonly to: string;
  /** Where relative paths start. */
  readonly directory: string;
  /** `os/architecture[/variant]`: the image for it alone, out of an index; default: everything. */
  readonly platform?: string;
  /** Registry hosts that are spoken to without encryption; those on this machine are anyway. */
  readonly plainHttp?: readonly string[];
  /** Tell what would be done, and do nothing. */
  readonly dryRun?: boolean;
  readonly listener: Listener;
  readonly signal?: AbortSignal;
}

/**
 * Copies an image, or an index with all its images, byte for byte between registries and layouts. Blobs are streamed and
 * verified; what the target has is not transferred, what its registry has elsewhere is mounted, and the name comes last.
 * @throws StackError STACK1001, STACK1006, STACK6001 to STACK6006, STACK6101 to STACK6115, STACK7001, STACK7002
 */
export async function copy(options: CopyOptions): Promise<PlacedImage> {
  const { directory, dryRun = false, listener, plainHttp, signal } = options;
  const [from, to] = [parsePlace(options.from, directory), parsePlace(options.to, directory)];
  const platform = options.platform === undefined ? undefined : requirePlatform(options.platform);
  const { get: registry, close } = registryOnce({ plainHttp, listener });
  try {
    const image = await readStoredImage(from, { registry, platform, signal });
    const { result, execute } = await preparePlacing(to, image, { registry, listener, signal });
    return dryRun ? result : await execute();
  } finally {
    await close();
  }
}

function requirePlatform(text: string): NonNullable<ReturnType<typeof parsePlatform>> {
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  throw new StackError('STACK1001', `'${text}' is not a platform`, {
    hint: 'write os/architecture, such as linux/arm64',
  });
}
