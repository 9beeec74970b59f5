import { StackError } from '../../core';
import { RESTRICTIONS, type HostFacts } from './host-facts';
import { freeStart, NEEDED_IDS, subordinateRange } from './subordinate-ids';

/** Why this process cannot be root of a namespace, as far as the facts tell; undefined when nothing speaks against it. */
export function whyNoNamespace(host: HostFacts): StackError | undefined {
  if (host.platform !== 'linux') {
    return problem('it is made of Linux namespaces', 'deploy on Linux, or in a Linux container or virtual machine');
  }
  if (host.uid === 0) return host.mayMount ? undefined : withoutMounts();
  return toolsMissing(host) ?? idsMissing(host);
}

/**
 * Why a user namespace could not be made although nothing spoke against it.
 * @param attempt what unshare(1) said
 */
export function namespaceRefused({ settings }: HostFacts, attempt: string): StackError {
  const said = attempt.trim().split('\n')[0] ?? '';
  if (attempt.includes('--map-auto')) {
    return problem('unshare is too old', 'install util-linux 2.38 or later, or deploy as root');
  }
  const restriction = RESTRICTIONS.find(({ setting, forbids }) => settings[setting] === forbids);
  if (restriction !== undefined) {
    const name = restriction.setting.replace('/', '.');
    return problem(
      `the kernel forbids user namespaces (${name} is ${restriction.forbids}): ${said}`,
      `as root: sysctl -w ${name}=${restriction.allows}, and put that into a file in /etc/sysctl.d to keep it`,
    );
  }
  return problem(
    `a user namespace is refused: ${said}`,
    'in a container start it with --privileged or without its seccomp profile, or deploy as root',
  );
}

function withoutMounts(): StackError {
  return problem(
    'root may not mount anything here (there is no CAP_SYS_ADMIN)',
    'in a container start it with --privileged, or deploy as an unprivileged user where user namespaces are allowed',
  );
}

function toolsMissing({ missingTools }: HostFacts): StackError | undefined {
  if (missingTools.length === 0) return undefined;
  return problem(
    `${missingTools.join(' and ')} ${missingTools.length === 1 ? 'is' : 'are'} not installed`,
    'apt install uidmap (Debian, Ubuntu), or dnf install shadow-utils (Fedora and its like)',
  );
}

function idsMissing({ user, uid, subuid, subgid }: HostFacts): StackError | undefined {
  const owner = user ?? String(uid);
  const lacking = [['/etc/subuid', subuid] as const, ['/etc/subgid', subgid] as const].filter(
    ([, text]) => (subordinateRange(text, owner, uid)?.count ?? 0) < NEEDED_IDS,
  );
  if (lacking.length === 0) return undefined;
  const first = freeStart(subuid, subgid);
  const range = `${String(first)}-${String(first + NEEDED_IDS - 1)}`;
  return problem(
    `user ${owner} has no ${String(NEEDED_IDS)} subordinate ids in ${lacking.map(([file]) => file).join(' and ')}`,
    user === undefined
      ? `as root, add the line ${owner}:${String(first)}:${String(NEEDED_IDS)} to /etc/subuid and /etc/subgid`
      : `as root: usermod --add-subuids ${range} --add-subgids ${range} ${user}`,
  );
}

function problem(why: string, hint: string): StackError {
  return new StackError('STACK4010', `a sandbox cannot be made here: ${why}`, { hint });
}
