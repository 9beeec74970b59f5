import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Random } from './random';

/** Damages a store at random, as users, disks and tools do. */
export class StoreDamage {
  /** @param store the directory of its version */
  public constructor(
    private readonly store: string,
    private readonly random: Random,
  ) {}

  /** @returns what was done, for messages */
  public strike(): readonly string[] {
    const { random } = this;
    const times = random.one([1, 2, 5, 20]);
    const kinds = [
      () => this.remove(),
      () => this.truncate(),
      () => this.flip(),
      () => this.removeDirectory(),
      () => this.copyRecord(),
      () => this.swap(this.filesIn('records')),
      () => this.swap(this.filesIn('blobs')),
      () => this.removeShare(),
    ];
    return Array.from({ length: times }, () => random.one(kinds)());
  }

  private remove(): string {
    return this.on(this.filesIn(''), (file) => {
      fs.rmSync(file);
      return 'removed';
    });
  }

  private truncate(): string {
    return this.on(this.filesIn(''), (file) => {
      fs.truncateSync(file, this.random.below(fs.statSync(file).size + 1));
      return 'truncated';
    });
  }

  private flip(): string {
    return this.on(this.filesIn(''), (file) => {
      const bytes = fs.readFileSync(file);
      const at = this.random.below(bytes.length);
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      this.overwrite(file, bytes);
      return 'flipped';
    });
  }

  private removeDirectory(): string {
    const directories = this.placesIn('', (stat) => stat.isDirectory());
    return this.on(directories, (directory) => {
      fs.rmSync(directory, { recursive: true });
      return 'removed all of';
    });
  }

  private copyRecord(): string {
    const records = this.filesIn('records');
    return this.on(records, (file) => {
      const other = this.random.one(records);
      this.overwrite(file, fs.readFileSync(other));
      return `copied ${path.relative(this.store, other)} to`;
    });
  }

  private swap(files: readonly string[]): string {
    return this.on(files, (file) => {
      const other = this.random.one(files);
      const [mine, its] = [fs.readFileSync(file), fs.readFileSync(other)];
      this.overwrite(file, its);
      this.overwrite(other, mine);
      return `swapped ${path.relative(this.store, other)} with`;
    });
  }

  private removeShare(): string {
    for (const file of this.filesIn('')) if (this.random.chance(0.2)) fs.rmSync(file);
    return 'removed a fifth of all files';
  }

  /** A new file, so that a layout that has the old one as a hard link keeps it. */
  private overwrite(file: string, bytes: Buffer): void {
    fs.rmSync(file);
    fs.writeFileSync(file, bytes, { mode: 0o600 });
  }

  private on(places: readonly string[], work: (place: string) => string): string {
    if (places.length === 0) return 'found nothing';
    const place = this.random.one(places);
    return `${work(place)} ${path.relative(this.store, place)}`;
  }

  private filesIn(room: string): string[] {
    return this.placesIn(room, (stat) => stat.isFile());
  }

  private placesIn(room: string, isWanted: (stat: fs.Stats) => boolean): string[] {
    const top = path.join(this.store, room);
    if (!fs.existsSync(top)) return [];
    const names = fs.readdirSync(top, { recursive: true, encoding: 'utf8' }).sort();
    return names.map((name) => path.join(top, name)).filter((place) => isWanted(fs.lstatSync(place)));
  }
}
