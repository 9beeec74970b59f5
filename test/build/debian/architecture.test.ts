import { debianArchitecture, platformOfArchitecture } from '../../../lib/build/debian';
import type { StackError } from '../../../lib/core';

test.each([
  ['amd64', { os: 'linux', architecture: 'amd64' }],
  ['amd64', { os: 'linux', architecture: 'amd64', variant: 'v2' }],
  ['i386', { os: 'linux', architecture: '386' }],
  ['arm64', { os: 'linux', architecture: 'arm64', variant: 'v8' }],
  ['armhf', { os: 'linux', architecture: 'arm' }],
  ['armhf', { os: 'linux', architecture: 'arm', variant: 'v7' }],
  ['armel', { os: 'linux', architecture: 'arm', variant: 'v6' }],
  ['ppc64el', { os: 'linux', architecture: 'ppc64le' }],
])("Debian's %s stands for %j", (name, platform) => {
  expect(debianArchitecture(platform)).toBe(name);
});

test('the platform of an architecture is the one it is built for', () => {
  expect(platformOfArchitecture('arm64')).toEqual({ os: 'linux', architecture: 'arm64' });
  expect(platformOfArchitecture('armhf')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
  expect(platformOfArchitecture('armel')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v5' });
  expect(platformOfArchitecture('vax')).toBeUndefined();
});

test.each([
  { os: 'linux', architecture: 'vax' },
  { os: 'linux', architecture: 'constructor' },
  { os: 'windows', architecture: 'amd64' },
])('there is no Debian for %j', (platform) => {
  expect(() => debianArchitecture(platform)).toThrow(expect.objectContaining({ code: 'STACK3010' }) as StackError);
});
