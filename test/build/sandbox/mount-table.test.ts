import { bindSteps, escapeField, parseMountInfo } from '../../../lib/build/sandbox/mount-table';

const TABLE = parseMountInfo(
  [
    '26 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '30 26 0:25 / /srv rw,nosuid,nodev,relatime shared:5 - ext4 /dev/vdb rw',
    '31 30 0:26 / /srv/my\\040data rw,noexec - tmpfs tmpfs rw',
    '32 30 0:27 / /srv/my\\040data/deep rw - tmpfs tmpfs rw',
    '33 26 0:28 / /srv2 rw - tmpfs tmpfs rw',
    '',
  ].join('\n'),
);

describe('the mounts of a host', () => {
  test('are read with their options, escapes undone', () => {
    expect(TABLE.map(({ path }) => path)).toEqual(['/', '/srv', '/srv/my data', '/srv/my data/deep', '/srv2']);
    expect(TABLE[1]?.options).toEqual(['rw', 'nosuid', 'nodev', 'relatime']);
  });
});

describe('binding a directory', () => {
  test('takes what is mounted in it along', () => {
    expect(bindSteps('/srv', false, TABLE)).toEqual([{ below: '', options: 'rbind' }]);
  });

  test('read-only makes every mount in it read-only, and keeps what a user namespace may not take away', () => {
    expect(bindSteps('/srv', true, TABLE)).toEqual([
      { below: '', options: 'rbind,ro,nosuid,nodev' },
      { below: '/my data', options: 'rbind,ro,noexec' },
      { below: '/my data/deep', options: 'rbind,ro' },
    ]);
  });

  test('inside of a mount repeats that one’s options', () => {
    expect(bindSteps('/srv/some/directory', true, TABLE)).toEqual([{ below: '', options: 'rbind,ro,nosuid,nodev' }]);
  });

  test('of everything starts at the root', () => {
    expect(bindSteps('/', true, TABLE).map(({ below }) => below)).toEqual([
      '',
      '/srv',
      '/srv/my data',
      '/srv/my data/deep',
      '/srv2',
    ]);
  });
});

describe('a field of fstab', () => {
  test('escapes what would end it, and nothing else', () => {
    expect(escapeField('/a b\tc\\d\n#é')).toBe('/a\\040b\\011c\\134d\\012\\043é');
  });

  test('survives the round trip', () => {
    const path = '/a b\\040c\td';
    expect(parseMountInfo(`1 2 3 / ${escapeField(path)} rw - x x rw`)[0]?.path).toBe(path);
  });
});
