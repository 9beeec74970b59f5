import { derived } from '../../../lib/stack/mergers/derived';
import { rpm } from '../../../lib/stack/mergers/rpm';
import { merged } from './images';

test.each([
  'usr/lib/python3/dist-packages/apt/__pycache__/cache.cpython-311.pyc',
  'usr/lib/x86_64-linux-gnu/gio/modules/giomodule.cache',
  'usr/share/icons/hicolor/icon-theme.cache',
  'var/lib/man-db/auto-update',
  'var/lib/systemd/catalog/database',
])('/%s is removed, since what reads it can do without', async (path) => {
  expect(await merged(derived, {}, { [path]: 'a' }, { [path]: 'b' })).toEqual({ [path]: 'removed' });
});

test.each([
  ['etc/ssl/certs/java/cacerts', 'update-ca-certificates'],
  ['lib/modules/6.1.0-1-amd64/modules.dep.bin', 'depmod'],
  ['usr/lib/locale/locale-archive', 'locale-gen'],
  ['usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders.cache', 'gdk-pixbuf-query-loaders'],
  ['usr/share/applications/mimeinfo.cache', 'update-desktop-database'],
  ['usr/share/glib-2.0/schemas/gschemas.compiled', 'glib-compile-schemas'],
  ['usr/share/mime/mime.cache', 'update-mime-database'],
])('/%s is an error that says to run %s', async (path, command) => {
  const request = { paths: [path], components: [], base: [], stacked: [] } as unknown as Parameters<
    typeof derived.merge
  >[0];
  const { problems } = await derived.merge(request);
  expect(problems).toMatchObject([{ code: 'NOT_MERGEABLE', path, fix: expect.stringContaining(command) as string }]);
});

test('databases of rpm are an error', async () => {
  const path = 'var/lib/rpm/rpmdb.sqlite';
  expect(await merged(rpm, {}, { [path]: 'a' }, { [path]: 'b' })).toEqual([
    `NOT_MERGEABLE ${path}: databases of rpm cannot be merged [a b]`,
  ]);
});
