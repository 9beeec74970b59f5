import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import { nothingToEnd, type Client, type ClientImage, type Compression } from './client';

/** umoci, which reads layouts only. */
export function umoci(name: string, program: string, reads: readonly Compression[]): Client {
  return {
    name,
    version: [program, '--version'],
    reads,
    readsIndexes: false,
    keepsLayers: false,
    start: (directory) => {
      const unpacked = ({ layout }: ClientImage): string => path.join(directory, layout.replaceAll('/', '-'));
      return Promise.resolve({
        pull: (image) => {
          asRoot('rm', '-rf', unpacked(image));
          asRoot(program, 'unpack', '--image', image.layout, unpacked(image));
        },
        files: (image) => path.join(unpacked(image), 'rootfs'),
        end: nothingToEnd,
      });
    },
  };
}
