import { StackError } from '../../core';
import { findTool } from './host-facts';

/** What sets a sandbox up, by the package that has it (in Debian's words). */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  'util-linux': ['mountpoint', 'nsenter', 'pivot_root', 'setpriv', 'unshare'],
  mount: ['mount', 'umount'],
  coreutils: ['base64', 'chroot', 'env', 'mkfifo', 'readlink', 'sync'],
  findutils: ['find'],
  hostname: ['hostname'],
};
const LOOPBACK_TOOLS: typeof TOOLS = { iproute2: ['ip'] };

/**
 * Sees to it that the host has what setting a sandbox up takes: in the middle of it, a missing tool is hard to tell from a failure.
 * @throws StackError STACK3013
 */
export function requireTools(network: 'host' | 'none'): void {
  const needed = Object.entries({ ...TOOLS, ...(network === 'none' ? LOOPBACK_TOOLS : {}) });
  for (const [name, tools] of needed) {
    const missing = tools.filter((tool) => findTool(tool) === undefined);
    if (missing.length > 0) {
      throw new StackError('STACK3013', `a sandbox needs ${missing.join(' and ')}, not installed here`, {
        hint: `install the package ${name}`,
      });
    }
  }
}
