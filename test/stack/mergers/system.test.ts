import picomatch from 'picomatch';
import { SYSTEM_MERGERS } from '../../../lib/stack/mergers/system';

/** The merger that is asked first about a path. */
function mergerOf(path: string): string | undefined {
  return SYSTEM_MERGERS.find(({ paths }) => picomatch([...paths], { dot: true })(path))?.name;
}

test.each([
  ['/etc/passwd', 'accounts'],
  ['/etc/subgid', 'accounts'],
  ['/var/lib/dpkg/alternatives/editor', 'alternatives'],
  ['/etc/alternatives/editor.1.gz', 'alternatives'],
  ['/etc/ld.so.cache', 'ld-so-cache'],
  ['/etc/ca-certificates.conf', 'ca-certificates'],
  ['/etc/ssl/certs/ca-certificates.crt', 'ca-certificates'],
  ['/etc/ssl/certs/5ed36f99.0', 'ca-certificates'],
  ['/etc/ssl/certs/java/cacerts', 'derived'],
  ['/usr/share/info/dir', 'info-directory'],
  ['/etc/machine-id', 'machine-id'],
  ['/etc/ssh/ssh_host_ed25519_key.pub', 'machine-keys'],
  ['/etc/ssl/certs/ssl-cert-snakeoil.pem', 'machine-keys'],
  ['/etc/apk/world', 'apk'],
  ['/lib/apk/db/installed', 'apk'],
  ['/usr/lib/apk/db/scripts.tar', 'apk'],
  ['/var/lib/rpm/Packages', 'rpm'],
  ['/usr/lib/sysimage/rpm/rpmdb.sqlite', 'rpm'],
  ['/var/lib/man-db/auto-update', 'derived'],
  ['/var/cache/debconf/config.dat', 'text'],
  ['/etc/services', 'text'],
  ['/root/.profile', 'text'],
])('%s is for %s', (path, name) => {
  expect(mergerOf(path)).toBe(name);
});

test('mergers have names of their own, and that for all paths comes last', () => {
  const names = SYSTEM_MERGERS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.at(-1)).toBe('text');
});
