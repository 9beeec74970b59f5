import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { asRoot } from './as-root';
import { writeLayout } from './hand-made';
import { Project } from './installed';
import { Mounts } from './mounts';
import { deployed } from './on-busybox';

jest.setTimeout(180_000);

/** Modes and ACLs of files, as setfacl takes them. */
const FILES: Readonly<Record<string, readonly [mode: string, acl: string]>> = {
  'mask-for-a-user': ['600', 'u:1001:rwx'],
  'mask-for-a-group': ['640', 'g:2001:rw-,g::---'],
  'a-user-shut-out': ['644', 'u:1001:---'],
  'a-group-shut-out': ['664', 'g:2001:---,u:1002:r--'],
  'masked-out': ['664', 'u:1001:rwx,m::r--'],
  plain: ['640', 'u::rw-'],
};
const USERS = [1001, 1002, 1003];
const GROUPS = [2000, 2001, 2002];

let project: Project;
let mounts: Mounts;
beforeEach(() => {
  project = Project.create('');
  mounts = new Mounts();
});
afterEach(() => {
  mounts.end();
  project.remove();
});

/** Prints what whoever runs it may do with files. */
const TRY = 'for file; do for right in r w x; do test -$right "$file" && echo "$right ${file##*/}"; done; done; true';

/** Who may do what, tried by everybody. */
function rights(directory: string): readonly string[] {
  const files = Object.keys(FILES).map((name) => path.join(directory, name));
  return USERS.flatMap((uid) =>
    GROUPS.flatMap((gid) => {
      const who = [`--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--clear-groups'];
      const lines = asRoot('setpriv', ...who, 'sh', '-c', TRY, 'try', ...files).split('\n');
      return lines.flatMap((line) => (line === '' ? [] : [`${String(uid)}:${String(gid)} ${line}`]));
    }),
  );
}

const aclsOf = (directory: string): string =>
  asRoot('sh', '-c', `cd '${directory}' && getfacl --numeric --absolute-names . *`);

test('ACLs stay as they are in a tar, and a squashfs without them gives nobody more', () => {
  const source = project.path('root');
  fs.mkdirSync(source);
  for (const [name, [mode, acl]] of Object.entries(FILES)) {
    const file = path.join(source, name);
    fs.writeFileSync(file, name);
    asRoot('chown', '0:2000', file);
    asRoot('chmod', mode, file);
    asRoot('setfacl', '--modify', acl, file);
  }
  asRoot('setfacl', '--default', '--modify', 'u:1001:rwx,o::---', source);
  asRoot('chmod', '755', project.home, project.directory, source);
  const tar = project.path('one.tar');
  execFileSync('tar', ['-c', '-f', tar, '--format=posix', '--xattrs', '--xattrs-include=*', '-C', source, '.']);
  writeLayout(project.path('bases'), 'one', [tar]);
  project.write({
    added: 'added',
    'app.js': `const { App, Layer } = require('cdk-stack');
      const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });
      const base = new Layer(app, 'base', { from: 'oci:bases:one' });
      new Layer(app, 'copied', { imports: [{ source: base.file('/'), dest: '/copy' }] });`,
  });
  const { stderr } = deployed(project.stack(['deploy', '--to', 'oci:./oci']));
  expect(stderr).toMatch(/has a POSIX ACL, which squashfs cannot hold/);
  const bundle = project.path('bundle');
  asRoot('umoci', 'unpack', '--image', `${project.path('oci')}:copied`, bundle);
  asRoot('chmod', '755', bundle, path.join(bundle, 'rootfs'));
  const copy = path.join(bundle, 'rootfs/copy');
  const before = rights(source);
  expect(before.length).toBeGreaterThan(0);
  expect(aclsOf(copy)).toBe(aclsOf(source));
  expect(rights(copy)).toEqual(before);
  for (const [image, directory] of [
    ['base', ''],
    ['copied', 'copy'],
  ] as const) {
    const layers = project.layout().manifest(`${image}-squashfs`).layers;
    const mounted = mounts.overlay(...layers.map(({ digest }) => mounts.squashfs(project.layout().blob(digest))));
    const after = rights(path.join(mounted, directory));
    expect(after.filter((right) => !before.includes(right))).toEqual([]);
    expect(after.length).toBeGreaterThan(0);
  }
});
