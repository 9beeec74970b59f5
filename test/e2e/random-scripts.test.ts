import * as fs from 'node:fs';
import * as path from 'node:path';
import { addUser, asRoot, removeUser, ROOT_USER, type User } from './as-root';
import type { Project } from './installed';
import { Mounts } from './mounts';
import { deviations, LIST, parseListing, USE_TOOLS, type Listing } from './oracle/listing';
import { runsOf, seedOf } from './oracle/random';
import { scriptedApp, SCRIPTS_OF_AN_APP, type Scripted, type ScriptedApp } from './oracle/scripted-app';

const USER = 'cdk-stack-scripts';
const MINUTE = 60_000;
const EPOCH = 315_532_800; // 1980, the epoch of builds
const SEED = seedOf('random scripts');
const APPS = Math.ceil(runsOf(100) / SCRIPTS_OF_AN_APP);

function listingOf(directory: string): Listing {
  return parseListing(asRoot('env', 'LC_ALL=C', 'sh', '-c', LIST, 'list', directory));
}

/** What others make of the images of an app. */
class Readers {
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

/** What differs, with the scripts that made it. */
function compare({ project, layers }: ScriptedApp, started: number): string[] {
  const readers = new Readers(project);
  try {
    const images = new Map<string, Listing>();
    for (const name of new Set(layers.map(({ from }) => from))) images.set(name, readers.unpacked(name));
    return layers.flatMap((layer) => {
      const { name, from } = layer;
      const left = parseListing(fs.readFileSync(project.path('out', name), 'utf8'));
      expect(left.size).toBeGreaterThan(10);
      const times = { started, epoch: EPOCH, before: images.get(from) ?? new Map<string, never>() };
      const found = {
        umoci: images.get(name) ?? readers.unpacked(name),
        overlayfs: readers.mountedOver(name),
        'stack shell': readers.inShell(name),
      };
      return Object.entries(found).flatMap(([reader, listing]) =>
        deviations(left, listing, times).map((line) => `${name}, ${reader}: ${line}${scriptOf(layer, line)}`),
      );
    });
  } finally {
    readers.end();
  }
}

function scriptOf({ scripts }: Scripted, line: string): string {
  const top = /^(\/t\d)(?=[/:])/.exec(line)?.[1] ?? '';
  return `\n${scripts.get(top) ?? ''}`;
}

/** How a deploy ended, and what it said if not well. */
function endOf(project: Project, options: readonly string[], user?: User): string {
  const { status, stderr } = project.stack(['deploy', ...options], user === undefined ? {} : { user });
  if (status === 0) return '0';
  const logs = asRoot('sh', '-c', 'tail -n 5 "$1"/v1/state/logs/*/*.log', 'logs', project.store);
  return `${String(status)}: ${stderr.slice(-2000)}${logs}`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

describe('layers of random scripts', () => {
  test(
    'are exactly what the scripts left, for umoci, for overlayfs and in a shell',
    () => {
      for (let at = 0; at < APPS; at += 1) {
        const seed = SEED + at;
        const app = scriptedApp(seed);
        try {
          const started = now();
          expect(endOf(app.project, [])).toBe('0');
          expect({ seed, differences: compare(app, started) }).toEqual({ seed, differences: [] });
          if (APPS > 1) process.stderr.write(`random scripts: STACK_SEED=${String(seed)} has no differences\n`);
        } finally {
          app.project.remove();
        }
      }
    },
    APPS * 3 * MINUTE,
  );

  test(
    'are the same for an ordinary user, and whatever runs the scripts',
    () => {
      const apps = [scriptedApp(SEED), scriptedApp(SEED)];
      const user = addUser(USER);
      try {
        const texts = apps.map(({ project }, at) => {
          if (at === 1) project.handOver(user);
          const sandbox = at === 1 ? 'oci-runtime' : 'unshare';
          expect(endOf(project, ['--sandbox', sandbox], at === 1 ? user : ROOT_USER)).toBe('0');
          return project.layout().indexText;
        });
        expect(texts[1]).toBe(texts[0]);
      } finally {
        removeUser(USER);
        for (const { project } of apps) project.remove();
      }
    },
    6 * MINUTE,
  );
});
