import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import { Mounts } from '../e2e/mounts';
import { nothingToEnd, type Client, type ClientImage } from './client';
import { containerd } from './containerd';
import { Daemon } from './daemon';
import { umoci } from './umoci';

const podman: Client = {
  name: 'podman 4.3',
  version: ['podman', '--version'],
  reads: ['gzip', 'zstd'],
  runs: true,
  start: (directory) => {
    const storage = ['--root', path.join(directory, 'root'), '--runroot', path.join(directory, 'run')];
    // runc: crun refuses machines that have cgroups of both versions.
    const how = ['--storage-driver', 'overlay', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
    const command = ['podman', ...storage, ...how, '--runtime', 'runc'];
    const limits = ['nofile=1024:1024', 'nproc=1024:1024'].flatMap((limit) => ['--ulimit', limit]);
    return Promise.resolve({
      pull: ({ reference }) => asRoot(...command, 'pull', '--quiet', '--tls-verify=false', reference),
      files: ({ reference }) => asRoot(...command, 'image', 'mount', reference).trim(),
      run: ({ reference }, args) =>
        asRoot(...command, 'run', '--rm', '--network', 'none', ...limits, reference, ...args),
      end: () => {
        asRoot(...command, 'image', 'unmount', '--all', '--force');
        return Promise.resolve();
      },
    });
  },
};

const buildah: Client = {
  name: 'buildah 1.28',
  version: ['buildah', '--version'],
  reads: ['gzip', 'zstd'],
  start: (directory) => {
    const storage = ['--root', path.join(directory, 'root'), '--runroot', path.join(directory, 'run')];
    const command = ['buildah', ...storage, '--storage-driver', 'overlay'];
    const policy = path.join(directory, 'policy.json');
    fs.writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
    return Promise.resolve({
      pull: ({ reference }) =>
        asRoot(...command, 'pull', '--quiet', '--tls-verify=false', '--signature-policy', policy, reference),
      files: ({ reference }) => {
        const made = asRoot(...command, 'from', '--pull-never', '--signature-policy', policy, reference).trim();
        return asRoot(...command, 'mount', made).trim();
      },
      end: () => {
        asRoot(...command, 'rm', '--all');
        return Promise.resolve();
      },
    });
  },
};

const docker: Client = {
  name: 'docker 20.10',
  version: ['/usr/bin/docker', '--version'],
  reads: ['gzip'],
  runs: true,
  keepsLayers: false, // a layer above others is another one to it than the same layer alone
  start: async (directory) => {
    const socket = `unix://${path.join(directory, 'docker.sock')}`;
    const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
    const place = [
      ...['--data-root', path.join(directory, 'data'), '--exec-root', path.join(directory, 'exec')],
      ...['--pidfile', path.join(directory, 'pid'), '--host', socket],
    ];
    const command = ['/usr/bin/docker', '--host', socket];
    const daemon = await Daemon.start(
      ['dockerd', ...network, '--storage-driver=overlay2', ...place],
      path.join(directory, 'log'),
      [...command, 'version'],
    );
    const mounts = new Mounts();
    return {
      pull: ({ reference }) => asRoot(...command, 'pull', '--quiet', reference),
      // What a container would see, without the files that docker puts into each.
      files: ({ reference }) => {
        const format = '{{.GraphDriver.Data.LowerDir}}:{{.GraphDriver.Data.UpperDir}}';
        const [lower = '', upper = ''] = asRoot(...command, 'image', 'inspect', '--format', format, reference)
          .trim()
          .split(/:(?=[^:]*$)/);
        const lowers = lower === '<no value>' ? [] : lower.split(':').reverse();
        return mounts.trustedOverlay(...lowers, upper);
      },
      run: ({ reference }, args) => asRoot(...command, 'run', '--rm', '--network', 'none', reference, ...args),
      end: async () => {
        mounts.end();
        await daemon.stop();
      },
    };
  },
};

const skopeo: Client = {
  name: 'skopeo 1.9',
  version: ['skopeo', '--version'],
  reads: ['gzip', 'zstd'],
  start: (directory) =>
    Promise.resolve({
      pull: ({ reference, layout, digest }: ClientImage) => {
        const [from, name] = [`docker://${reference}`, path.basename(layout).replace(/^.*:/, '')];
        const command = ['skopeo', '--insecure-policy', 'copy', '--quiet', '--all', '--src-tls-verify=false'];
        asRoot(...command, from, `oci:${path.join(directory, 'layout')}:${name}`);
        const read = JSON.parse(asRoot('skopeo', 'inspect', '--tls-verify=false', from)) as { readonly Digest: string };
        if (read.Digest !== digest()) throw new Error(`${reference} is ${read.Digest}, and in the layout ${digest()}`);
      },
      end: nothingToEnd,
    }),
};

/** Clients that Debian 12 has. */
export const DEBIAN_CLIENTS: readonly Client[] = [
  podman,
  buildah,
  docker,
  skopeo,
  containerd('containerd 1.6', '/usr/bin', 2),
  umoci('umoci 0.4', 'umoci', ['gzip']),
];
