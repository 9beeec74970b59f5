import * as path from 'node:path';
import { asRoot, type User } from '../as-root';
import type { Project } from '../installed';
import { Mounts } from '../mounts';
import { LIST, parseListing, USE_TOOLS, type Listing } from './listing';

/** Lists a directory of this machine. */
export function listingOf(directory: string): Listing {
  return parseListing(asRoot('env', 'LC_ALL=C', 'sh', '-c', LIST, 'list', directory));
}

/** What others make of the images of an app. */
export class Readers {
  private readonly mounts = new Mounts();
  private readonly mounted = new Map<string, string>();

  public constructor(private readonly project: Project) {}

  /** umoci's idea of a tar image. */
  public unpacked(name: string): Listing {
    const bundle = path.join(this.project.home, `bundle-${name}`);
    asRoot('umoci', 'unpack', '--image', `${this.project.layout().directory}:${name}`, bundle);
    const listing = listingOf(path.join(bundle, 'rootfs'));
    asRoot('rm', '-rf', bundle);
    return listing;
  }

  /** The kernel's idea of a filesystem image. */
  public mountedOver(name: string): Listing {
    const layout = this.project.layout();
    const layers = layout.manifest(`${name}-squashfs`).layers.map(({ digest }) => this.mount(layout.blob(digest)));
    return listingOf(this.mounts.overlay(...layers));
  }

  /** What a command sees in the image. */
  public inShell(name: string): Listing {
    const command = `${USE_TOOLS}\nset -- /; . /tools/list`;
    const { status, stdout, stderr } = this.project.stack(['shell', name, '--', 'sh', '-c', command]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    return parseListing(stdout);
  }

  public end(): void {
    this.mounts.end();
  }

  private mount(blob: string): string {
    const known = this.mounted.get(blob) ?? this.mounts.squashfs(blob);
    this.mounted.set(blob, known);
    return known;
  }
}

/** How a deploy ended, and what it said if not well. */
export function endOf(project: Project, options: readonly string[], user?: User): string {
  const { status, stderr } = project.stack(['deploy', ...options], user === undefined ? {} : { user });
  if (status === 0) return '0';
  const logs = asRoot('sh', '-c', 'tail -n 5 "$1"/v1/state/logs/*/*.log', 'logs', project.store);
  return `${String(status)}: ${stderr.slice(-2000)}${logs}`;
}
