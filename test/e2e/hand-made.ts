import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

const TYPE = 'application/vnd.oci.image';

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Makes a tar of everything in a directory, owned by root and of no time. */
export function writeTar(directory: string, tar: string): void {
  const owner = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
  execFileSync('tar', [...owner, '-C', directory, '-cf', tar, ...fs.readdirSync(directory).sort()]);
}

/** Adds an image of blobs, by default tars, bottom to top, to a layout, as another tool would; an OCI layout of it need not exist. */
export function writeLayout(
  layout: string,
  name: string,
  tars: readonly string[],
  mediaType = `${TYPE}.layer.v1.tar`,
): void {
  const blobs = path.join(layout, 'blobs/sha256');
  fs.mkdirSync(blobs, { recursive: true });
  const add = (content: Buffer): Blob => {
    const hex = createHash('sha256').update(content).digest('hex');
    fs.writeFileSync(path.join(blobs, hex), content);
    return { digest: `sha256:${hex}`, size: content.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const layers = tars.map((tar) => add(fs.readFileSync(tar)));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const config = add(json({ os: 'linux', architecture, config: {}, rootfs }));
  const manifest = add(
    json({
      schemaVersion: 2,
      mediaType: `${TYPE}.manifest.v1+json`,
      config: { mediaType: `${TYPE}.config.v1+json`, ...config },
      layers: layers.map((layer) => ({ mediaType, ...layer })),
    }),
  );
  fs.writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = path.join(layout, 'index.json');
  const known = fs.existsSync(index)
    ? (JSON.parse(fs.readFileSync(index, 'utf8')) as { manifests: object[] }).manifests
    : [];
  const annotations = { 'org.opencontainers.image.ref.name': name };
  const manifests = [...known, { mediaType: `${TYPE}.manifest.v1+json`, ...manifest, annotations }];
  fs.writeFileSync(index, json({ schemaVersion: 2, manifests }));
}
