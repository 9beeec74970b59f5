import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot, ORDINARY_USER, statusAsRoot } from './as-root';
import { Project } from './installed';
import { templateApp, toJavaScript } from './javascript';
import { Mounts } from './mounts';

const MINUTES = 60_000;

/** The sample as JavaScript; `appProps` replaces the arguments of `new App()`. */
function sample(appProps = ''): string {
  return toJavaScript(templateApp('sample').replace('new App()', `new App(${appProps})`));
}

/** Everything about a tree that a layer carries, a line an entry. */
function listing(directory: string, ...more: string[]): string {
  const lines = asRoot(
    'find',
    directory,
    '-mindepth',
    '1',
    '-printf',
    '%P|%y|%m|%U|%G|%T@|%l|',
    '-type',
    'f',
    '-printf',
    '%s',
    '-o',
    '-printf',
    '\n',
    ...more,
  );
  return lines.split('\n').sort().join('\n');
}

describe('the images of the seed, made of real packages', () => {
  const project = Project.create(sample());
  const layout = project.layout();
  const scratch = path.join(project.home, 'scratch');

  beforeAll(() => {
    fs.mkdirSync(scratch);
    const deployed = project.stack(['deploy', '--format', 'tar', '--format', 'squashfs']);
    expect(deployed).toMatchObject({ status: 0 });
  }, 5 * MINUTES);

  afterAll(() => {
    project.remove();
  });

  /** Extracts the packages with dpkg-deb itself. */
  function extractPackages(name: RegExp): string {
    const target = fs.mkdtempSync(path.join(scratch, 'packages-'));
    const lock = JSON.parse(fs.readFileSync(project.path('cdk-stack.lock.json'), 'utf8')) as {
      debian: Record<string, { packages: { name: string; sha256: string }[] }>;
    };
    const debs = new Map(
      Object.values(lock.debian).flatMap(({ packages }) => packages.map((each) => [each.name, each.sha256])),
    );
    const chosen = [...debs].filter(([each]) => name.test(each));
    expect(chosen).not.toHaveLength(0);
    for (const [, sha256] of chosen)
      asRoot('dpkg-deb', '--extract', path.join(project.store, 'v1/blobs/sha256', sha256), target);
    return target;
  }

  it('publishes kernel, ovmf and combined in both formats, and nothing else', () => {
    expect(layout.names().sort()).toEqual([
      'combined',
      'combined-squashfs',
      'kernel',
      'kernel-squashfs',
      'ovmf',
      'ovmf-squashfs',
    ]);
    expect(layout.blobs()).toEqual(layout.referenced());
  });

  it.each(['', '-squashfs'])('combines the very same layer descriptors (%s)', (suffix) => {
    const [kernel, ovmf, combined] = ['kernel', 'ovmf', 'combined'].map((name) => layout.manifest(`${name}${suffix}`));
    expect(kernel!.layers).toHaveLength(1);
    expect(ovmf!.layers).toHaveLength(1);
    expect(combined!.layers).toEqual([...kernel!.layers, ...ovmf!.layers]);
  });

  it('writes nothing the second time and says so', () => {
    const before = layout.state();
    const again = project.stack(['deploy', '--format', 'tar', '--format', 'squashfs']);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('nothing to do: oci:./oci is up to date');
    expect(layout.state()).toBe(before);
  });

  it('has index and manifests of the shape the seed shows', () => {
    const { index } = layout;
    expect(index).toMatchObject({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' });
    const combined = layout.manifest('combined-squashfs');
    expect(combined).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json' },
    });
    for (const layer of combined.layers) {
      expect(layer).toEqual({
        mediaType: 'application/vnd.stacker.image.layer.squashfs+zstd',
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
        size: fs.statSync(layout.blob(layer.digest)).size,
        annotations: {
          'io.stackeroci.stacker.atomfs_verity_root_hash': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          'io.stackeroci.stacker.squashfs_verity_root_hash': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        },
      });
    }
  });

  it.each(['kernel', 'ovmf'])('gives %s a verity tree that veritysetup accepts, until one byte is flipped', (name) => {
    const [layer] = layout.manifest(`${name}-squashfs`).layers;
    const blob = fs.readFileSync(layout.blob(layer!.digest));
    const root = layer!.annotations!['io.stackeroci.stacker.atomfs_verity_root_hash']!;
    const image = path.join(scratch, `${name}.img`);
    // The superblock says how large the filesystem is (squashfs 4.0, bytes_used); it is padded to 4096.
    const offset = Math.ceil(Number(blob.readBigUInt64LE(40)) / 4096) * 4096;
    const verify = (): number | null =>
      statusAsRoot('veritysetup', 'verify', image, image, root, `--hash-offset=${String(offset)}`);
    fs.writeFileSync(image, blob);
    expect(verify()).toBe(0);
    blob.writeUInt8(blob.readUInt8(offset >> 1) ^ 1, offset >> 1);
    fs.writeFileSync(image, blob);
    expect(verify()).not.toBe(0);
  });

  it.each(['kernel', 'ovmf'])('mounts %s, which shows only its top directory', (name) => {
    const [layer] = layout.manifest(`${name}-squashfs`).layers;
    const mounts = new Mounts();
    try {
      expect(fs.readdirSync(mounts.squashfs(layout.blob(layer!.digest)))).toEqual([name]);
    } finally {
      mounts.end();
    }
  });

  it.each(['kernel', 'ovmf', 'combined'])('is read by skopeo: %s', (name) => {
    const target = path.join(scratch, `skopeo-${name}`);
    asRoot('skopeo', '--insecure-policy', 'copy', '--quiet', `oci:${layout.directory}:${name}`, `dir:${target}`);
    const layers = layout.manifest(name).layers.map((layer) => layer.digest.slice(7));
    expect(fs.readdirSync(target)).toEqual(expect.arrayContaining(layers));
    const config = JSON.parse(asRoot('skopeo', 'inspect', '--config', `oci:${layout.directory}:${name}`)) as {
      os: string;
      rootfs: { diff_ids: string[] };
    };
    expect(config.os).toBe('linux');
    expect(config.rootfs.diff_ids).toHaveLength(layers.length);
  });

  it(
    'holds exactly the files of the packages, byte for byte',
    () => {
      const unpacked = path.join(scratch, 'kernel-tree');
      fs.mkdirSync(unpacked);
      const [layer] = layout.manifest('kernel').layers;
      asRoot('tar', '--zstd', '--numeric-owner', '-xpf', layout.blob(layer!.digest), '-C', unpacked);
      const packages = extractPackages(/./);
      expect(fs.readdirSync(unpacked)).toEqual(['kernel']);
      for (const [ours, theirs] of [
        ['boot', 'boot'],
        ['modules', 'lib/modules'],
      ] as const) {
        asRoot(
          'diff',
          '--recursive',
          '--no-dereference',
          path.join(unpacked, 'kernel', ours),
          path.join(packages, theirs),
        );
        expect(listing(path.join(unpacked, 'kernel', ours))).toBe(listing(path.join(packages, theirs)));
      }
      const firmware = path.join(scratch, 'ovmf-tree');
      fs.mkdirSync(firmware);
      asRoot('tar', '--zstd', '-xpf', layout.blob(layout.manifest('ovmf').layers[0]!.digest), '-C', firmware);
      asRoot(
        'cmp',
        path.join(firmware, 'ovmf/ovmf-code.fd'),
        path.join(packages, 'usr/share/OVMF/OVMF_CODE.secboot.fd'),
      );
      asRoot('cmp', path.join(firmware, 'ovmf/ovmf-vars.fd'), path.join(packages, 'usr/share/OVMF/OVMF_VARS.fd'));
      expect(fs.readdirSync(path.join(firmware, 'ovmf')).sort()).toEqual(['ovmf-code.fd', 'ovmf-vars.fd']);
    },
    MINUTES,
  );

  it(
    'gives an ordinary user in another directory the same index, bit for bit',
    () => {
      const other = Project.create(sample());
      try {
        other.write({ 'cdk-stack.lock.json': fs.readFileSync(project.path('cdk-stack.lock.json')) });
        other.handOver(ORDINARY_USER);
        const deployed = other.stack(['deploy', '--format', 'tar', '--format', 'squashfs'], { user: ORDINARY_USER });
        expect(deployed).toMatchObject({ status: 0 });
        expect(other.layout().indexText).toBe(layout.indexText);
      } finally {
        other.remove();
      }
    },
    5 * MINUTES,
  );
});

describe('images for tools that know no zstd', () => {
  const project = Project.create(sample("{ tar: { compression: 'gzip' } }"));

  afterAll(() => {
    project.remove();
  });

  it(
    'unpacks with umoci to the same tree as with tar',
    () => {
      expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
      const layout = project.layout();
      for (const name of ['kernel', 'ovmf', 'combined']) {
        const bundle = path.join(project.home, `bundle-${name}`);
        asRoot('umoci', 'unpack', '--image', `${layout.directory}:${name}`, bundle);
        const expected = path.join(project.home, `tree-${name}`);
        fs.mkdirSync(expected);
        for (const layer of layout.manifest(name).layers)
          asRoot('tar', '--numeric-owner', '-xpzf', layout.blob(layer.digest), '-C', expected);
        expect(listing(path.join(bundle, 'rootfs'))).toBe(listing(expected));
        asRoot('diff', '--recursive', '--no-dereference', path.join(bundle, 'rootfs'), expected);
      }
    },
    5 * MINUTES,
  );
});
