import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import type { Client, ClientImage, RunningClient } from './client';
import { Daemon } from './daemon';

/**
 * containerd with its command ctr.
 * @param directory where the programs are
 * @param configVersion of its configuration file
 */
export function containerd(name: string, directory: string, configVersion: number): Client {
  const program = (command: string): string => path.join(directory, command);
  return {
    name,
    version: [program('containerd'), '--version'],
    reads: ['gzip', 'zstd'],
    runs: true,
    start: async (state) => {
      const socket = path.join(state, 'containerd.sock');
      const config = path.join(state, 'config.toml');
      fs.writeFileSync(
        config,
        [
          `version = ${String(configVersion)}`,
          `root = '${path.join(state, 'root')}'`,
          `state = '${path.join(state, 'state')}'`,
          `disabled_plugins = ['io.containerd.grpc.v1.cri']`,
          `[grpc]`,
          `address = '${socket}'`,
        ].join('\n'),
      );
      const ctr = [program('ctr'), '--address', socket];
      // The shim is looked for on the PATH.
      const env = ['env', `PATH=${directory}:${process.env['PATH'] ?? ''}`];
      const daemon = await Daemon.start([...env, program('containerd'), '--config', config], path.join(state, 'log'), [
        ...ctr,
        'version',
      ]);
      return new RunningContainerd(state, ctr, daemon);
    },
  };
}

class RunningContainerd implements RunningClient {
  private readonly mounted: string[] = [];
  private containers = 0;

  public constructor(
    private readonly state: string,
    private readonly ctr: readonly string[],
    private readonly daemon: Daemon,
  ) {}

  public pull({ reference }: ClientImage): void {
    asRoot(...this.ctr, 'images', 'pull', '--plain-http', reference);
  }

  public files({ reference }: ClientImage): string {
    const at = fs.mkdtempSync(path.join(this.state, 'mounted-'));
    asRoot(...this.ctr, 'images', 'mount', reference, at);
    this.mounted.push(at);
    return at;
  }

  public run({ reference }: ClientImage, command: readonly string[]): string {
    this.containers += 1;
    return asRoot(...this.ctr, 'run', '--rm', '--net-host', reference, `test-${String(this.containers)}`, ...command);
  }

  public async end(): Promise<void> {
    for (const at of this.mounted) asRoot(...this.ctr, 'images', 'unmount', '--rm', at);
    await this.daemon.stop();
    // containerd 2 leaves what its mount manager mounted.
    for (const at of mountsBelow(this.state).reverse()) asRoot('umount', at);
  }
}

/** Mount points below a directory, in the order they were mounted. */
function mountsBelow(directory: string): string[] {
  const points = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return points.map((line) => line.split(' ')[1] ?? '').filter((point) => point.startsWith(`${directory}/`));
}
