'use strict';

// Installs the Debian packages that the end-to-end tests and the benchmark need, where they are missing.
const { spawnSync } = require('node:child_process');

/** A command each package brings, by package. */
const TOOLS = {
  acl: 'setfacl',
  'apache2-utils': 'htpasswd',
  apt: 'apt-get',
  attr: 'getfattr',
  buildah: 'buildah',
  'busybox-static': 'busybox',
  'ca-certificates': 'update-ca-certificates',
  crun: 'crun',
  containerd: 'containerd',
  'cryptsetup-bin': 'veritysetup',
  'docker.io': 'dockerd',
  'docker-registry': 'docker-registry',
  'dpkg-dev': 'dpkg-scanpackages',
  hostname: 'hostname',
  iproute2: 'ip',
  mmdebstrap: 'mmdebstrap',
  mount: 'mount',
  openssl: 'openssl',
  podman: 'podman',
  python3: 'python3',
  runc: 'runc',
  skopeo: 'skopeo',
  'squashfs-tools': 'unsquashfs',
  time: '/usr/bin/time',
  uidmap: 'newuidmap',
  umoci: 'umoci',
  'util-linux': 'setpriv',
  'xz-utils': 'xz',
  zstd: 'zstd',
};

function has(command) {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return (
    spawnSync('sh', ['-c', `command -v ${command}`], { env: { ...process.env, PATH: path }, stdio: 'ignore' })
      .status === 0
  );
}

const missing = Object.keys(TOOLS).filter((name) => !has(TOOLS[name]));
if (missing.length > 0) {
  const root = process.getuid?.() === 0;
  console.error(`installing what the tests need${root ? '' : ', with sudo'}: ${missing.join(' ')}`);
  const run = (args) => {
    const command = [...(root ? [] : ['sudo']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    const { status, error } = spawnSync(command[0], command.slice(1), { stdio: ['ignore', 2, 2] });
    if (status !== 0) {
      console.error(`cannot install them: ${error?.message ?? `${command.join(' ')} exited with ${status}`}`);
      process.exit(1);
    }
  };
  run(['update', '-qq']);
  run(['install', '-y', '-qq', '--no-install-recommends', ...missing]);
}
