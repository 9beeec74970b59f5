import type { MergedComponent, MergeOutcome, Merger, MergeRequest } from './merger';
import { Settlement } from './settlement';

const MACHINE_ID = 'etc/machine-id';

/**
 * Ids of the machine, of which a combined image is none of those that its components were built on: machine-id(5) is left empty,
 * which makes systemd choose one at the first start, and D-Bus's own is removed, since dbus-uuidgen(1) makes it where it is missing
 * but takes an empty one for damaged.
 */
export const machineId: Merger = {
  name: 'machine-id',
  version: 1,
  paths: [`/${MACHINE_ID}`, '/var/lib/dbus/machine-id'],
  isPathwise: true,
  merge: ({ paths }) => {
    const into = new Settlement();
    for (const path of paths) {
      if (path === MACHINE_ID) into.write(path, Buffer.alloc(0));
      else into.remove(path);
    }
    return Promise.resolve(into);
  },
};

const SNAKEOIL = ['etc/ssl/private/ssl-cert-snakeoil.key', 'etc/ssl/certs/ssl-cert-snakeoil.pem'];

/**
 * Keys that packages make at random where there are none: those of the OpenSSH server, and the certificate of ssl-cert. What is
 * installed later finds them there, so the first component's stay, each with what belongs to it.
 */
export const machineKeys: Merger = {
  name: 'machine-keys',
  version: 1,
  paths: ['/etc/ssh/ssh_host_*_key', '/etc/ssh/ssh_host_*_key.pub', ...SNAKEOIL.map((path) => `/${path}`)],
  merge: mergeKeys,
};

async function mergeKeys({ paths, base, components }: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  const keys = new Map(paths.map((path) => [partsOf(path).join(), partsOf(path)]));
  for (const parts of keys.values()) {
    if (parts.some((path) => base.get(path) !== undefined)) continue; // both made others, which nobody does by chance
    const owner = components.find(({ files }) => parts.every((path) => files.get(path)?.type === 'file'));
    if (owner !== undefined) await take(parts, owner, into);
  }
  return into;
}

/** A key and what is public of it. */
function partsOf(path: string): readonly string[] {
  if (SNAKEOIL.includes(path)) return SNAKEOIL;
  const key = path.replace(/\.pub$/, '');
  return [key, `${key}.pub`];
}

async function take(parts: readonly string[], { files }: MergedComponent, into: Settlement): Promise<void> {
  for (const path of parts) {
    const content = await files.read(path);
    if (content !== undefined) into.write(path, content);
  }
}
