import { StackError } from '../../core';

/** The superblock counts ids in 16 bits. */
const MAX_IDS = 0xffff;

/** Users and groups of an image: inodes name them by their place in one table. */
export class IdTable {
  private readonly places = new Map<number, number>();

  public get count(): number {
    return this.places.size;
  }

  /**
   * The place of a user or group id.
   * @throws StackError STACK4004 for an id squashfs has no room for
   */
  public place(id: number): number {
    const known = this.places.get(id);
    if (known !== undefined) return known;
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      throw new StackError('STACK4004', `squashfs cannot store the user or group id ${String(id)}: ids have 32 bits`);
    }
    const place = this.places.size;
    if (place === MAX_IDS) {
      throw new StackError(
        'STACK4004',
        `squashfs cannot store more than ${String(MAX_IDS)} different user and group ids`,
        {
          hint: 'choose the tar format for this layer, or split it',
        },
      );
    }
    this.places.set(id, place);
    return place;
  }

  /** The table, 4 bytes an id. */
  public encode(): Buffer {
    const table = Buffer.alloc(4 * this.places.size);
    for (const [id, place] of this.places) table.writeUInt32LE(id, 4 * place);
    return table;
  }
}
