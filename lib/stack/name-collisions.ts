import { parentOf } from '../pack';

const OFFSET = 0x811c9dc5;
/** Small numbers take no room of their own. */
const MASK = 0x3fffffff;

/** Names that hash alike and are remembered: who makes thousands that collide must not make us compare each with all. */
const MAX_ALIKE = 64;

/** A path that was seen before, but for upper and lower case and the form of Unicode. */
export interface Twin {
  readonly path: string;
  /** What was given with it. */
  readonly mark: number;
}

/**
 * Finds names of one directory that some filesystems do not tell apart. A million paths are remembered in a few flat arrays: by
 * hash, in open addressing.
 */
export class NameCollisions {
  private readonly paths: string[] = [];
  private readonly marks: number[] = [];
  private readonly hashes: number[] = [];
  private slots = new Int32Array(1024);
  /** The directory of the last path with its slash: in byte order most paths have the one of the path before. */
  private directory = '';
  private directoryHash = OFFSET;

  /** Remembers a path, which must be new. @returns those it collides with, of very many the first ones */
  public add(path: string, mark: number): readonly Twin[] {
    const twins: Twin[] = [];
    if (2 * this.paths.length >= this.slots.length) this.grow();
    const hash = this.hashOf(path);
    let folded: string | undefined;
    let alike = 0;
    let slot = hash & (this.slots.length - 1);
    for (let number = this.slots[slot] ?? 0; number !== 0; number = this.slots[slot] ?? 0) {
      if (this.hashes[number - 1] === hash) {
        alike += 1;
        const other = this.paths[number - 1] ?? '';
        folded ??= fold(path);
        if (fold(other) === folded) twins.push({ path: other, mark: this.marks[number - 1] ?? 0 });
      }
      slot = (slot + 1) & (this.slots.length - 1);
    }
    if (alike >= MAX_ALIKE) return twins;
    this.paths.push(path);
    this.marks.push(mark);
    this.hashes.push(hash);
    this.slots[slot] = this.paths.length;
    return twins;
  }

  /** FNV-1a over the folded path; of a name in ASCII, as nearly all are, without making another text. */
  private hashOf(path: string): number {
    const name = path.lastIndexOf('/') + 1;
    if (name !== this.directory.length || !path.startsWith(this.directory)) {
      this.directory = path.slice(0, name);
      this.directoryHash = hashOfText(this.directory, OFFSET);
    }
    let hash = this.directoryHash;
    for (let at = name; at < path.length; at += 1) {
      const code = path.charCodeAt(at);
      if (code > 0x7f) return hashOfText(fold(path).slice(name), this.directoryHash) & MASK;
      hash = step(hash, code >= 0x41 && code <= 0x5a ? code + 0x20 : code);
    }
    return hash & MASK;
  }

  private grow(): void {
    this.slots = new Int32Array(2 * this.slots.length);
    for (const [at, hash] of this.hashes.entries()) {
      let slot = hash & (this.slots.length - 1);
      while (this.slots[slot] !== 0) slot = (slot + 1) & (this.slots.length - 1);
      this.slots[slot] = at + 1;
    }
  }
}

/** Only the name: what is in a directory that collides is not told once more. */
function fold(path: string): string {
  const parent = parentOf(path);
  return parent + path.slice(parent.length).normalize('NFC').toLowerCase();
}

/** @param hash of what comes before the text */
function hashOfText(text: string, hash: number): number {
  for (let at = 0; at < text.length; at += 1) hash = step(hash, text.charCodeAt(at));
  return hash;
}

function step(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}
