import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from './as-root';

/** File systems that are mounted for a while, each at a directory of its own. */
export class Mounts {
  private readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-mounts-'));
  private readonly points: string[] = [];

  public constructor() {
    fs.chmodSync(this.directory, 0o755);
  }

  /** The file system of an image. */
  public squashfs(image: string): string {
    return this.mount('-t', 'squashfs', '-o', 'ro,loop', image);
  }

  /** What directories look like on top of each other, bottom to top, to who may only use `user.` attributes. */
  public overlay(...layers: readonly string[]): string {
    return this.overlayOf(layers, 'ro,userxattr');
  }

  /** As {@link overlay}, with the `trusted.` attributes that only root may use. */
  public trustedOverlay(...layers: readonly string[]): string {
    return this.overlayOf(layers, 'ro');
  }

  /** A small disk that everybody may write to. */
  public disk(size: string): string {
    return this.mount('-t', 'tmpfs', '-o', `size=${size},mode=1777`, 'tmpfs');
  }

  /** Unmounts everything. */
  public end(): void {
    for (const point of this.points.reverse()) asRoot('umount', point);
    fs.rmSync(this.directory, { recursive: true });
  }

  /** @param args for mount(8), without the mount point */
  public mount(...args: readonly string[]): string {
    const point = this.newPoint();
    asRoot('mount', ...args, point);
    this.points.push(point);
    return point;
  }

  private overlayOf(layers: readonly string[], options: string): string {
    // The kernel makes no overlay of one directory alone.
    const lowers = layers.length === 1 ? [...layers, this.newPoint()] : [...layers].reverse();
    return this.mount('-t', 'overlay', '-o', `${options},lowerdir=${lowers.join(':')}`, 'overlay');
  }

  private newPoint(): string {
    return fs.mkdtempSync(path.join(this.directory, 'at-'));
  }
}
