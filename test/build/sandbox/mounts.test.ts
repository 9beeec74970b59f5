import {
  deviceMounts,
  hostMount,
  memoryMount,
  standardMounts,
  type MountFacts,
} from '../../../lib/build/sandbox/mounts';

const FACTS: MountFacts = {
  work: '/my store/work',
  isInitialNamespace: true,
  exists: (path) => path !== '/proc/sysrq-trigger' && path !== '/dev/tty',
  table: [
    { path: '/', options: ['rw'] },
    { path: '/sys', options: ['rw', 'nosuid'] },
    { path: '/sys/fs/cgroup', options: ['rw'] },
  ],
};

describe('what every sandbox has mounted', () => {
  test('is read-only where root could change the machine', () => {
    const mounts = standardMounts(FACTS);
    expect(mounts.find(({ target }) => target === '/sys')?.options.split(',')).toContain('ro');
    expect(mounts.find(({ target }) => target === '/proc/sys')).toMatchObject({ source: '' });
    expect(mounts.find(({ target }) => target === '/proc/sys')?.options.split(',')).toEqual(
      expect.arrayContaining(['bind', 'ro']),
    );
  });

  test('is what the host has, of what not every kernel has', () => {
    expect(standardMounts(FACTS).map(({ target }) => target)).not.toContain('/proc/sysrq-trigger');
    expect(deviceMounts(FACTS).map(({ name }) => name)).toEqual([
      'null',
      'zero',
      'full',
      'random',
      'urandom',
      'pts',
      'shm',
    ]);
  });

  test('has all of /sys read-only in a user namespace, where no other can be mounted', () => {
    const mounts = standardMounts({ ...FACTS, isInitialNamespace: false });
    expect(mounts.find(({ target }) => target === '/sys')).toEqual({
      target: '/sys',
      kind: 'directory',
      source: '/sys',
      type: 'none',
      options: 'rbind,ro,nosuid',
      inner: [{ below: '/fs/cgroup', source: '/sys/fs/cgroup', options: 'rbind,ro' }],
    });
  });

  test('escapes the directory it comes from', () => {
    expect(deviceMounts(FACTS)[0]?.line).toBe('/dev/null /my\\040store/work/dev/null none bind 0 0');
  });
});

describe('a mount that was asked for', () => {
  const file = { path: '/etc/hosts', isDirectory: false };

  test('may be anywhere else', () => {
    for (const target of ['/opt', '/run/secrets/a', '/stack/imports/a b', '/etc/ä', '/..a']) {
      expect(hostMount({ source: '/x', target, readonly: true }, file, FACTS.table)).toMatchObject({
        target,
        kind: 'file',
      });
      expect(memoryMount('/w', 'name', target, 'bind,ro')).toMatchObject({ target, source: '/w/memory/name' });
    }
  });

  test.each([
    '/',
    '/proc',
    '/dev/sda',
    '/sys/fs',
    '/run',
    '/stack',
    'relative',
    '/a/../b',
    '/a//b',
    '/a/',
    '/a\nb',
    '',
  ])('may not be at %j', (target) => {
    expect(() => hostMount({ source: '/x', target, readonly: true }, file, FACTS.table)).toThrow(
      `nothing can be mounted at ${JSON.stringify(target)} of a sandbox`,
    );
    expect(() => memoryMount('/w', 'name', target, 'bind,ro')).toThrow('nothing can be mounted');
  });
});
