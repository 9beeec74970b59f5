import { Malformed } from '../malformed';
import { hasSubdirectory, LAYOUT, type Library, type LibraryCache } from './cache';

/** Longest path or name, in bytes (PATH_MAX). */
const MAX_STRING = 4096;
/** Bytes of all strings, each counted as often as it is used: more than 100,000 libraries have. */
const MAX_STRINGS = 32 * 1024 * 1024;

/**
 * Takes `/etc/ld.so.cache` apart.
 * @throws Malformed
 */
export function decodeCache(content: Buffer): LibraryCache {
  const magic = content.toString('latin1', 0, LAYOUT.magic.length);
  if (magic.startsWith(LAYOUT.oldMagic)) throw new Malformed('it has the old format, of glibc before 2.32');
  if (magic !== LAYOUT.magic) throw new Malformed('it is no cache of ldconfig');
  const flags = content[28];
  if (flags !== LAYOUT.flagsLittleEndian && flags !== LAYOUT.flagsBigEndian) {
    throw new Malformed('it does not say its byte order');
  }
  return new Decoder(content, flags === LAYOUT.flagsBigEndian).cache();
}

class Decoder {
  private readonly view: DataView;
  private readonly stringsStart: number;
  private readonly stringsEnd: number;
  private readonly used = new Set<string>();
  private stringBytes = 0;

  public constructor(
    private readonly content: Buffer,
    private readonly isBigEndian: boolean,
  ) {
    this.view = new DataView(content.buffer, content.byteOffset, content.length);
    this.stringsStart = LAYOUT.header + this.number(20) * LAYOUT.library;
    this.stringsEnd = this.stringsStart + this.number(24);
    if (this.stringsEnd > content.length) throw new Malformed('it is cut');
  }

  public cache(): LibraryCache {
    const sections = this.sections();
    const names = this.subdirectories(sections.get(LAYOUT.subdirectoriesTag));
    const libraries: Library[] = [];
    for (let at = LAYOUT.header; at < this.stringsStart; at += LAYOUT.library) libraries.push(this.library(at, names));
    const table = this.content.toString('latin1', this.stringsStart, this.stringsEnd);
    return {
      isBigEndian: this.isBigEndian,
      libraries,
      generator: sections.get(LAYOUT.generatorTag)?.toString('latin1') ?? '',
      idleStrings: table.split('\0').filter((string) => string !== '' && !this.used.has(string)),
    };
  }

  private library(at: number, names: readonly string[]): Library {
    const hwcap = this.view.getBigUint64(at + 16, !this.isBigEndian);
    const subdirectory = hasSubdirectory(hwcap) ? names[Number(hwcap & 0xffffffffn)] : undefined;
    if (hasSubdirectory(hwcap) && subdirectory === undefined) throw new Malformed('a library is of no known directory');
    return {
      soname: this.string(this.number(at + 4)),
      path: this.string(this.number(at + 8)),
      flags: this.view.getInt32(at, !this.isBigEndian),
      osVersion: this.number(at + 12),
      hwcap: subdirectory === undefined ? hwcap : (hwcap >> 32n) << 32n,
      subdirectory,
    };
  }

  /** Contents of the extensions, by tag. */
  private sections(): Map<number, Buffer> {
    const start = this.number(32);
    if (this.number(start) !== LAYOUT.extensionMagic) throw new Malformed('it has no extensions');
    const sections = new Map<number, Buffer>();
    const count = this.number(start + 4);
    for (let index = 0; index < count; index++) {
      const at = start + LAYOUT.extensionHeader + index * LAYOUT.extensionSection;
      const [tag, offset, size] = [this.number(at), this.number(at + 8), this.number(at + 12)];
      if (tag !== LAYOUT.generatorTag && tag !== LAYOUT.subdirectoriesTag) {
        throw new Malformed(`it has an extension of an unknown kind, ${String(tag)}`);
      }
      if (offset + size > this.content.length || sections.has(tag)) throw new Malformed('its extensions are broken');
      sections.set(tag, this.content.subarray(offset, offset + size));
    }
    return sections;
  }

  private subdirectories(section: Buffer | undefined): string[] {
    const names: string[] = [];
    const start = section === undefined ? 0 : section.byteOffset - this.content.byteOffset;
    for (let at = 0; at + 4 <= (section?.length ?? 0); at += 4) names.push(this.string(this.number(start + at)));
    return names;
  }

  private number(at: number): number {
    if (at + 4 > this.content.length) throw new Malformed('it is cut');
    return this.view.getUint32(at, !this.isBigEndian);
  }

  private string(at: number): string {
    const length =
      at < this.stringsStart ? -1 : this.content.subarray(at, Math.min(this.stringsEnd, at + MAX_STRING)).indexOf(0);
    if (length === -1) throw new Malformed('it refers to strings that it has not');
    this.stringBytes += length;
    if (this.stringBytes > MAX_STRINGS) throw new Malformed('it is too large');
    const string = this.content.toString('latin1', at, at + length);
    this.used.add(string);
    return string;
  }
}
