import { machineId, machineKeys } from '../../../lib/stack/mergers/machine-identity';
import { merged } from './images';

const KEY = 'etc/ssh/ssh_host_rsa_key';
const OTHER = 'etc/ssh/ssh_host_ed25519_key';
const [SNAKE, OIL] = ['etc/ssl/private/ssl-cert-snakeoil.key', 'etc/ssl/certs/ssl-cert-snakeoil.pem'];

test('ids of machines are those of no component', async () => {
  const of = (id: string) => ({ 'etc/machine-id': id, 'var/lib/dbus/machine-id': id });
  const none = { 'etc/machine-id': '', 'var/lib/dbus/machine-id': 'removed' };
  expect(await merged(machineId, {}, of('a\n'), of('b\n'))).toEqual(none);
  expect(await merged(machineId, of('a\n'), of('b\n'), of('c\n'))).toEqual(none);
  expect(await merged(machineId, of('a\n'), of('b\n'), {})).toEqual(none);
});

test("the first component's keys stay, each with its public part", async () => {
  const ssh = (key: string, name: string) => ({ [key]: name, [`${key}.pub`]: `${name}.pub` });
  const tls = (name: string) => ({ [SNAKE ?? '']: name, [OIL ?? '']: `${name}.pem` });
  expect(
    await merged(
      machineKeys,
      {},
      ssh(OTHER, 'a'),
      { ...ssh(KEY, 'b'), ...ssh(OTHER, 'b'), ...tls('b') },
      { ...ssh(KEY, 'c'), ...tls('c') },
    ),
  ).toEqual({ ...ssh(OTHER, 'a'), ...ssh(KEY, 'b'), ...tls('b') });
});

test('a key that lacks its public part is not taken apart from it', async () => {
  expect(await merged(machineKeys, {}, { [KEY]: 'a' }, { [KEY]: 'b', [`${KEY}.pub`]: 'b.pub' })).toEqual({
    [KEY]: 'b',
    [`${KEY}.pub`]: 'b.pub',
  });
  expect(await merged(machineKeys, {}, { [KEY]: 'a' }, { [KEY]: 'b' })).toEqual({});
});

test('keys that both components made in the place of those of the base are left to whoever reads of the conflict', async () => {
  const of = (name: string) => ({ [KEY]: name, [`${KEY}.pub`]: `${name}.pub` });
  expect(await merged(machineKeys, of('x'), of('a'), of('b'))).toEqual({});
});
