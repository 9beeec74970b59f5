import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { writeLayout } from '../../lib/oci';
import { layoutImage } from '../oci/fixture';
import { hostImport, layer, Workshop } from './workshop';

/** Opens files as Yarn's Plug'n'Play does: some methods of the handles throw at once. */
function openWithoutSync(): void {
  const open = fs.open.bind(fs);
  jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args);
    const fail = (): never => {
      throw new Error('Method not implemented.');
    };
    return Object.assign(handle, { sync: fail, datasync: fail, utimes: fail, readv: fail });
  });
}

afterEach(() => {
  jest.restoreAllMocks();
});

test('images are built and laid out by file handles that cannot sync', async () => {
  const shop = new Workshop();
  try {
    shop.write({ f: Buffer.alloc(40 * 1024 * 1024, 'content ') }); // enough for a transfer on the way
    const image = layer({ imports: [hostImport('f', '/f')] });
    const layout = path.join(shop.home, 'oci');
    openWithoutSync();
    const built = await shop.build({ images: { x: image }, formats: ['tar', 'squashfs'] });
    expect([...built.get('x')!.variants.keys()].sort()).toEqual(['squashfs', 'tar']);
    await writeLayout(layout, [layoutImage('kernel', ['base'])]);
    expect((await fs.readdir(layout)).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  } finally {
    shop.remove();
  }
});
