import { isLoopback, requireSafeAddress } from '../../lib/registry/addresses';

const PUBLIC = 'https://registry.example.com/';

test.each([
  ['https://auth.example.org/token', PUBLIC, true],
  ['https://registry.example.com/token', PUBLIC, true],
  ['http://auth.example.org/token', PUBLIC, false],
  ['http://registry.example.com/token', PUBLIC, false],
  ['https://10.1.2.3/token', PUBLIC, false],
  ['https://172.20.0.1/', PUBLIC, false],
  ['https://192.168.1.1/', PUBLIC, false],
  ['https://100.64.0.1/', PUBLIC, false],
  ['https://169.254.169.254/', PUBLIC, false],
  ['https://2852039166/', PUBLIC, false], // the same, as one number
  ['https://0xa9fea9fe/', PUBLIC, false],
  ['https://[::ffff:169.254.169.254]/', PUBLIC, false],
  ['https://127.0.0.1/', PUBLIC, false],
  ['https://localhost/', PUBLIC, false],
  ['https://[::1]/', PUBLIC, false],
  ['https://[::]/', PUBLIC, false],
  ['https://0.0.0.0/', PUBLIC, false],
  ['https://[fe80::1]/', PUBLIC, false],
  ['https://[fd00::1]/', PUBLIC, false],
  ['https://8.8.8.8/', PUBLIC, true],
  ['file:///etc/passwd', PUBLIC, false],
  ['https://user:password@auth.example.org/', PUBLIC, false],
  ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000/', true],
  ['https://10.1.2.3/token', 'https://10.1.2.4/', true],
  ['http://auth.lan/token', 'http://registry.lan/', true],
])('a token service at %s of the registry %s is accepted: %s', (url, registry, accepted) => {
  const check = (): void => requireSafeAddress(new URL(url), new URL(registry), true);

  if (accepted) expect(check).not.toThrow();
  else expect(check).toThrow(/sends us to/);
});

test('a blob may lie on a private network, but not on this machine or its link', () => {
  const check = (url: string) => (): void => requireSafeAddress(new URL(url), new URL(PUBLIC), false);

  expect(check('https://10.1.2.3/bucket')).not.toThrow();
  expect(check('https://169.254.169.254/bucket')).toThrow(/link/);
  expect(check('http://storage.example.org/bucket')).toThrow(/not https/);
});

test.each([
  ['localhost', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
