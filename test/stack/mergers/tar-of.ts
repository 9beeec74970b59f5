import { encodeTarHeader } from '../../../lib/pack/tar-header';
import { file } from '../combination';

/** A tar of files that have their names as contents. */
export function tarOf(names: readonly string[]): Buffer {
  const members = names.flatMap((name) => {
    const content = Buffer.alloc(Math.ceil(name.length / 512) * 512);
    content.write(name);
    return [encodeTarHeader(file(name)), content];
  });
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}
