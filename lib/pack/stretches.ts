import type { FileEntry, Stretch } from './entry';

/** Where a file has data; undefined when it has no holes, as far as is known. */
export function stretchesOf({ content }: FileEntry): readonly Stretch[] | undefined {
  return content.kind === 'slice' ? content.data : undefined;
}

/** Bytes of a file's content without its holes. */
export function storedSize(file: FileEntry): number {
  return stretchesOf(file)?.reduce((sum, { length }) => sum + length, 0) ?? file.size;
}

/** Finds out, piece by piece, where a content has data and where holes. */
export class StretchList {
  private readonly stretches: Stretch[] = [];
  private size = 0;
  private hasHoles = false;

  /** Adds the next bytes of the content. */
  public add(length: number, isHole: boolean): void {
    const last = this.stretches.at(-1);
    if (isHole) this.hasHoles = true;
    else if (last !== undefined && last.offset + last.length === this.size) {
      this.stretches[this.stretches.length - 1] = { offset: last.offset, length: last.length + length };
    } else this.stretches.push({ offset: this.size, length });
    this.size += length;
  }

  /** The stretches of data; undefined where there are no holes. */
  public found(): readonly Stretch[] | undefined {
    return this.hasHoles ? this.stretches : undefined;
  }
}
