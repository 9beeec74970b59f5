import { lockKey, packageRequest } from '../../../lib/build/debian/request';
import type { StackError } from '../../../lib/core';
import type { DebianPlan } from '../../../lib/plan';

function plan(changes: Partial<DebianPlan>): DebianPlan {
  const base = {
    type: 'debian-packages',
    name: 'x',
    buildOnly: false,
    dependencies: 'none',
    platform: 'linux/amd64',
  } as const;
  return { ...base, packages: ['ovmf'], ...changes };
}

const keyOf = (changes: Partial<DebianPlan>): string => lockKey(packageRequest(plan(changes)));

test.each<[string, Partial<DebianPlan>]>([
  ['amd64 none: ovmf', {}],
  [
    'amd64 closure bookworm: linux-image-cloud-amd64 ovmf',
    { packages: ['ovmf', 'linux-image-cloud-amd64'], dependencies: 'closure', suite: 'bookworm' },
  ],
  [
    'armhf none: g++ ovmf=1:2.0~rc-1',
    { platform: 'linux/arm/v7', packages: ['ovmf=1:2.0~rc-1', 'g++', 'ovmf=1:2.0~rc-1'] },
  ],
  ['riscv64 none: ovmf', { architecture: 'riscv64' }],
  ['amd64 none sources:fdbe5b6d73bf: ovmf', { sources: 'deb http://me:secret@mirror.example/debian bookworm main' }],
])('the key of a request is readable: %s', (key, changes) => {
  expect(keyOf(changes)).toBe(key);
});

test('a key does not depend on the order of packages, on line ends, or on space at the edges of sources', () => {
  expect(keyOf({ packages: ['b', 'a'] })).toBe(keyOf({ packages: ['a', 'b'] }));
  expect(keyOf({ sources: 'deb http://a b c\r\ndeb http://d e f\r\n' })).toBe(
    keyOf({ sources: '\ndeb http://a b c  \ndeb http://d e f' }),
  );
});

test.each([
  ['an option', '-oDir=/'],
  ['a pattern', 'linux-.*'],
  ['a suite', 'ovmf/bookworm'],
  ['a foreign architecture', 'libc6:i386'],
  ['a version that is none', 'ovmf=$(id)'],
  ['an empty version', 'ovmf='],
  ['nothing', ''],
])('what apt would take for %s is no package', (_, text) => {
  expect(() => packageRequest(plan({ packages: [text] }))).toThrow(
    expect.objectContaining({ code: 'STACK2006' }) as StackError,
  );
});

test.each<[string, Partial<DebianPlan>]>([
  ['no packages', { packages: [] }],
  ['two versions of one package', { packages: ['ovmf=1', 'ovmf=2'] }],
  ['a suite that is none', { suite: 'bookworm\nPin: x' }],
  ['an architecture that is a path', { architecture: '../x' }],
])('a request with %s is refused', (_, changes) => {
  expect(() => packageRequest(plan(changes))).toThrow(expect.objectContaining({ code: 'STACK2006' }) as StackError);
});
