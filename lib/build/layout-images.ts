import * as path from 'node:path';
import { OciLayout, verifiedBlob, type Index, type Platform } from '../oci';
import type { SourcePlan } from '../plan';
import type { Store } from '../store';
import { existingDelta, layersIn, takeBlob, type ExistingImage } from './existing-image';

/** What all images in layouts that a build uses share. */
export interface LayoutImagesOptions {
  readonly store: Store;
  /** Where relative paths start. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

interface OpenedLayout {
  readonly layout: OciLayout;
  readonly index: Index;
}

/** Images in OCI layouts. The index of each layout is read once: a build sees it as it was when it first asked. */
export class LayoutImages {
  private readonly opened = new Map<string, Promise<OpenedLayout>>();

  public constructor(private readonly options: LayoutImagesOptions) {}

  /**
   * Opens an image as a base: every layer's blob is checked and taken into the store, once.
   * @throws StackError STACK5002 for an unknown media type, STACK6001, STACK6002, STACK6004, STACK6005, STACK7001, STACK7002
   */
  public async open(source: Extract<SourcePlan, { type: 'oci-layout' }>, platform: Platform): Promise<ExistingImage> {
    const { store, directory, signal } = this.options;
    const { layout, index } = await this.openLayout(path.resolve(directory, source.directory));
    const { descriptor: image, manifest, config } = await layout.find(source.reference, platform, index);
    const layers = layersIn(manifest, config);
    const deltas = layers.map((layer) => existingDelta(store, layer, () => Promise.resolve(), signal));
    for (const { descriptor } of layers) {
      signal?.throwIfAborted();
      const file = layout.blobPath(descriptor.digest);
      await takeBlob(store, descriptor, () => verifiedBlob(file, descriptor), signal);
    }
    return { digest: image.digest, config, deltas, annotations: manifest.annotations };
  }

  private openLayout(directory: string): Promise<OpenedLayout> {
    const open = async (): Promise<OpenedLayout> => {
      const layout = await OciLayout.open(directory);
      return { layout, index: await layout.index() };
    };
    const opened = this.opened.get(directory) ?? open();
    this.opened.set(directory, opened);
    return opened;
  }
}
