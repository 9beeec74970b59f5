import { LAYOUT, type LibraryCache } from './cache';
import { layStrings } from './strings';

/** The file as ldconfig writes it (glibc, elf/cache.c): libraries in the order they have, strings that share their ends. */
export function encodeCache({ libraries, generator, idleStrings, isBigEndian }: LibraryCache): Buffer {
  const names = [...new Set(libraries.flatMap(({ subdirectory }) => subdirectory ?? []))].sort();
  const strings = layStrings([...libraries.flatMap(({ soname, path }) => [soname, path]), ...names, ...idleStrings]);
  const stringsStart = LAYOUT.header + libraries.length * LAYOUT.library;
  const offsetOf = (string: string): number => stringsStart + (strings.offsets.get(string) ?? 0);
  const extensions = Math.ceil((stringsStart + strings.table.length) / 4) * 4;
  const sections = names.length > 0 ? 2 : 1;
  const subdirectories = extensions + LAYOUT.extensionHeader + sections * LAYOUT.extensionSection;
  const generatorStart = subdirectories + names.length * 4;

  const content = Buffer.alloc(generatorStart + generator.length);
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const write = (at: number, ...numbers: readonly number[]): void => {
    for (const [index, number] of numbers.entries()) view.setUint32(at + index * 4, number >>> 0, !isBigEndian);
  };
  content.write(LAYOUT.magic, 'latin1');
  write(20, libraries.length, strings.table.length);
  content[28] = isBigEndian ? LAYOUT.flagsBigEndian : LAYOUT.flagsLittleEndian;
  write(32, extensions);
  for (const [index, { soname, path, flags, osVersion, hwcap, subdirectory }] of libraries.entries()) {
    const at = LAYOUT.header + index * LAYOUT.library;
    write(at, flags, offsetOf(soname), offsetOf(path), osVersion);
    const number = subdirectory === undefined ? 0n : BigInt(names.indexOf(subdirectory));
    view.setBigUint64(at + 16, hwcap | number, !isBigEndian);
  }
  strings.table.copy(content, stringsStart);
  write(extensions, LAYOUT.extensionMagic, sections, LAYOUT.generatorTag, 0, generatorStart, generator.length);
  if (names.length > 0) {
    const section = extensions + LAYOUT.extensionHeader + LAYOUT.extensionSection;
    write(section, LAYOUT.subdirectoriesTag, 0, subdirectories, names.length * 4);
    write(subdirectories, ...names.map(offsetOf));
  }
  content.write(generator, generatorStart, 'latin1');
  return content;
}
