import picomatch from 'picomatch';
import type { Merger } from './merger';
import { Settlement } from './settlement';

/**
 * Files that programs make from others, and make again or do without when they are missing, while one that does not fit would
 * mislead them. What is as good from any component, as all of `/var/cache`, nobody cares for: it needs no merger.
 */
const DISPENSABLE = [
  '/**/__pycache__/*.pyc', // Python compiles again
  '/usr/lib/**/gio/modules/giomodule.cache', // GIO then looks at the modules themselves
  '/usr/share/icons/*/icon-theme.cache', // GTK then reads the directories
  '/var/lib/man-db/**',
  '/var/lib/systemd/catalog/database',
];

/** Files that programs need, by what makes them. */
const NEEDED: readonly (readonly [glob: string, command: string])[] = [
  ['/etc/ssl/certs/java/cacerts', 'update-ca-certificates --fresh'],
  ['/{etc,usr/lib,lib}/udev/hwdb.bin', 'systemd-hwdb update'],
  ['/{usr/lib,lib}/modules/*/modules.*', 'depmod -a VERSION'],
  ['/usr/lib/**/gdk-pixbuf-2.0/*/loaders.cache', 'gdk-pixbuf-query-loaders --update-cache'],
  ['/usr/lib/**/gtk-3.0/*/immodules.cache', 'gtk-query-immodules-3.0 --update-cache'],
  ['/usr/lib/locale/locale-archive', 'locale-gen'],
  ['/usr/share/applications/mimeinfo.cache', 'update-desktop-database'],
  ['/usr/share/glib-2.0/schemas/gschemas.compiled', 'glib-compile-schemas /usr/share/glib-2.0/schemas'],
  [
    '/usr/share/mime/{XMLnamespaces,aliases,generic-icons,globs,globs2,icons,magic,mime.cache,subclasses,treemagic,types,version}',
    'update-mime-database /usr/share/mime',
  ],
];

/** Caches and indexes: what can be missing is removed, of the rest it is said what makes it. */
export const derived: Merger = {
  name: 'derived',
  version: 2,
  paths: [...DISPENSABLE, ...NEEDED.map(([glob]) => glob)],
  isPathwise: true,
  merge: (request) => {
    const into = new Settlement();
    const isDispensable = picomatch([...DISPENSABLE], { dot: true });
    const needed = NEEDED.map(([glob, command]) => ({ isIt: picomatch(glob, { dot: true }), command }));
    for (const path of request.paths) {
      if (isDispensable(`/${path}`)) {
        into.remove(path);
        continue;
      }
      const command = needed.find(({ isIt }) => isIt(`/${path}`))?.command;
      if (command === undefined) continue;
      into.notMergeable(
        path,
        'it is made from other files, and has to be made again from those of all components',
        request.components.map(({ name }) => name),
        `let a conflict rule take any of them, and run \`${command}\` in a layer on top`,
      );
    }
    return Promise.resolve(into);
  },
};
