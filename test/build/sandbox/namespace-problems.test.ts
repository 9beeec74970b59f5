import type { HostFacts } from '../../../lib/build/sandbox/host-facts';
import { namespaceRefused, whyNoNamespace } from '../../../lib/build/sandbox/namespace-problems';

const USER: HostFacts = {
  platform: 'linux',
  uid: 1000,
  user: 'ada',
  isInitialNamespace: true,
  mayMount: false,
  missingTools: [],
  subuid: 'ada:100000:65536\n',
  subgid: 'ada:100000:65536\n',
  settings: {},
};

describe('what a host lacks for a sandbox', () => {
  test('is nothing for root, and for a user with subordinate ids', () => {
    expect(whyNoNamespace({ ...USER, uid: 0, user: 'root', mayMount: true, subuid: '', subgid: '' })).toBeUndefined();
    expect(whyNoNamespace(USER)).toBeUndefined();
  });

  test('is Linux', () => {
    expect(whyNoNamespace({ ...USER, platform: 'darwin' })?.message).toContain('Linux namespaces');
  });

  test('is the right to mount, for root of most containers', () => {
    const problem = whyNoNamespace({ ...USER, uid: 0, mayMount: false });
    expect(problem).toMatchObject({ code: 'STACK4010' });
    expect(problem?.message).toContain('CAP_SYS_ADMIN');
    expect(problem?.hint).toContain('--privileged');
  });

  test('is the package uidmap', () => {
    const problem = whyNoNamespace({ ...USER, missingTools: ['newuidmap', 'newgidmap'] });
    expect(problem?.message).toBe('a sandbox cannot be made here: newuidmap and newgidmap are not installed');
    expect(problem?.hint).toContain('apt install uidmap');
  });

  test('are subordinate ids, and the hint gives the command that adds them where they are free', () => {
    const problem = whyNoNamespace({ ...USER, subuid: 'bob:100000:65536\n', subgid: '' });
    expect(problem?.message).toBe(
      'a sandbox cannot be made here: user ada has no 65536 subordinate ids in /etc/subuid and /etc/subgid',
    );
    expect(problem?.hint).toBe('as root: usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ada');
  });

  test('are subordinate ids in the one file that has too few', () => {
    const problem = whyNoNamespace({ ...USER, subgid: 'ada:100000:1000\n' });
    expect(problem?.message).toMatch(/in \/etc\/subgid$/);
  });

  test('are subordinate ids for a user without a name, whom usermod does not know', () => {
    const problem = whyNoNamespace({ ...USER, uid: 1234, user: undefined });
    expect(problem?.hint).toBe('as root, add the line 1234:165536:65536 to /etc/subuid and /etc/subgid');
  });
});

describe('a user namespace that is refused', () => {
  const said = 'unshare: write failed /proc/self/uid_map: Operation not permitted\n';

  test.each([
    ['kernel/apparmor_restrict_unprivileged_userns', '1', 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'],
    ['kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
    ['user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces='],
  ])('because of %s is to be allowed by it', (setting, value, command) => {
    const problem = namespaceRefused({ ...USER, settings: { [setting]: value } }, said);
    expect(problem.message).toContain(`${setting.replace('/', '.')} is ${value}`);
    expect(problem.hint).toContain(command);
  });

  test('by settings that allow it is not blamed on them', () => {
    const settings = { 'kernel/apparmor_restrict_unprivileged_userns': '0', 'user/max_user_namespaces': '96364' };
    const problem = namespaceRefused({ ...USER, settings }, said);
    expect(problem.message).toBe(`a sandbox cannot be made here: a user namespace is refused: ${said.trim()}`);
    expect(problem.hint).toContain('seccomp');
  });

  test('by an old unshare needs a newer one', () => {
    const problem = namespaceRefused(USER, "unshare: unrecognized option '--map-auto'\nTry 'unshare --help'");
    expect(problem.hint).toContain('util-linux 2.38');
  });
});
