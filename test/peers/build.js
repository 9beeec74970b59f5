'use strict';

// Builds the clients that Debian lacks from the Go modules that go.mod pins, once for each go.sum; prints where they are.
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');

/** Parts of containerd that pulling, unpacking and running do without. */
const TAGS = 'no_cri,no_btrfs,no_devmapper,no_zfs';

const TOOLS = {
  crane: 'github.com/google/go-containerregistry/cmd/crane',
  oras: 'oras.land/oras/cmd/oras',
  regctl: 'github.com/regclient/regclient/cmd/regctl',
  umoci: 'github.com/opencontainers/umoci/cmd/umoci',
  containerd: 'github.com/containerd/containerd/v2/cmd/containerd',
  ctr: 'github.com/containerd/containerd/v2/cmd/ctr',
  'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
  conformance: 'github.com/opencontainers/distribution-spec/conformance',
};

function go(args) {
  const env = { ...process.env, CGO_ENABLED: '0' };
  const { status, error } = spawnSync('go', args, { cwd: __dirname, env, stdio: ['ignore', 2, 2] });
  if (error?.code === 'ENOENT') {
    console.error('the tests against peers need Go (https://go.dev), which is not installed; npm test does without');
    process.exit(1);
  }
  if (status !== 0) {
    console.error(`go ${args.join(' ')} failed: ${error?.message ?? `exit status ${String(status)}`}`);
    process.exit(1);
  }
}

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cdk-stack-tests');
const key = createHash('sha256');
for (const file of ['go.mod', 'go.sum', 'build.js']) key.update(readFileSync(join(__dirname, file)));
const directory = join(cache, `peers-${key.digest('hex').slice(0, 16)}`);
if (!existsSync(directory)) {
  console.error('building the peers from their Go modules');
  mkdirSync(cache, { recursive: true });
  const made = mkdtempSync(`${directory}.`);
  for (const [name, main] of Object.entries(TOOLS)) {
    go(['build', '-trimpath', '-tags', TAGS, '-o', join(made, name), main]);
  }
  try {
    renameSync(made, directory);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(directory)) throw error; // else another run was faster
  }
}
console.log(directory);
