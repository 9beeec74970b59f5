import type { Merger } from './merger';
import { Settlement } from './settlement';

/** Databases of rpm: Berkeley DB, ndb or SQLite, which only rpm itself writes. */
export const rpm: Merger = {
  name: 'rpm',
  version: 1,
  paths: ['/var/lib/rpm/**', '/usr/lib/sysimage/rpm/**', '/usr/share/rpm/**'],
  merge: (request) => {
    const into = new Settlement();
    for (const path of request.paths) {
      into.notMergeable(
        path,
        'databases of rpm cannot be merged',
        request.components.map(({ name }) => name),
        'install the packages of all components in one layer, or base one component on the other',
      );
    }
    return Promise.resolve(into);
  },
};
