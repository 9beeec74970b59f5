import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import { nothingToEnd, type Client, type ClientImage } from '../clients/client';
import { containerd } from '../clients/containerd';
import { umoci } from '../clients/umoci';
import { peer, peers } from './programs';

const PLATFORM = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(peer(program), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** The layout where a client keeps copies of images. */
function copyOf(directory: string, { reference }: ClientImage): string {
  return path.join(directory, reference.replaceAll(/[/:]/g, '-'));
}

function requireDigest(digest: string, image: ClientImage): void {
  if (digest !== image.digest())
    throw new Error(`${image.reference} is ${digest}, and in the layout ${image.digest()}`);
}

/** It validates layers of gzip whole; of others only that they are there. */
const crane: Client = {
  name: 'crane 0.22',
  version: [peer('crane'), 'version'],
  reads: ['gzip', 'zstd'],
  keepsLayers: false,
  // It leaves out links that climb above the root, and writes a directory before what upper layers put there, so that tar changes
  // the directory's time again.
  ignores: /^torture\/climbing\t|^\S+\td\t/,
  start: (directory) =>
    Promise.resolve({
      pull: (image) => {
        const how = image.compression === 'gzip' ? [] : ['--fast'];
        run('crane', 'validate', '--insecure', '--remote', image.reference, ...how);
        requireDigest(run('crane', 'digest', '--insecure', image.reference), image);
      },
      files: (image) => {
        const at = copyOf(directory, image);
        run('crane', 'export', '--insecure', '--platform', PLATFORM, image.reference, `${at}.tar`);
        asRoot('rm', '-rf', at);
        asRoot('mkdir', at);
        asRoot('tar', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-pxf', `${at}.tar`, '-C', at);
        return at;
      },
      end: nothingToEnd,
    }),
};

/** It copies graphs of descriptors, with every digest checked, and unpacks nothing. */
const oras: Client = {
  name: 'oras 1.3',
  version: [peer('oras'), 'version'],
  reads: ['gzip', 'zstd'],
  start: (directory) =>
    Promise.resolve({
      pull: (image) => {
        const layout = `${path.join(directory, 'layout')}:${path.basename(copyOf(directory, image))}`;
        run('oras', 'copy', '--recursive', '--from-plain-http', '--to-oci-layout', image.reference, layout);
        requireDigest(run('oras', 'resolve', '--oci-layout', layout), image);
      },
      end: nothingToEnd,
    }),
};

const regctl: Client = {
  name: 'regctl 0.11',
  version: [peer('regctl'), 'version'],
  reads: ['gzip', 'zstd'],
  start: (directory) =>
    Promise.resolve({
      pull: (image) => {
        const host = ['--host', `reg=${image.reference.split('/')[0] ?? ''},tls=disabled`];
        const copy = `ocidir://${path.join(directory, 'layout')}:${path.basename(copyOf(directory, image))}`;
        run('regctl', ...host, 'image', 'copy', '--referrers', image.reference, copy);
        run('regctl', ...host, 'image', 'inspect', '--platform', PLATFORM, copy);
        requireDigest(run('regctl', ...host, 'image', 'digest', copy), image);
      },
      end: nothingToEnd,
    }),
};

/** Clients that Debian lacks, or has in older versions. */
export const GO_CLIENTS: readonly Client[] = [
  crane,
  oras,
  regctl,
  umoci('umoci 0.6', peer('umoci'), ['gzip', 'zstd']),
  containerd('containerd 2.2', peers(), 3),
];
