import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { addUser, asRoot, removeUser, ROOT_USER } from './as-root';
import { writeBusyboxTar } from './busybox';
import { Project, type Layout } from './installed';
import { Mounts } from './mounts';

const USER = 'cdk-stack-whiteouts';
const MINUTE = 60_000;

type Scripts = readonly [string, string, string];

/** Three layers each, on top of {@link FILES}; every script changes something. */
const SCENARIOS: Readonly<Record<string, Scripts>> = {
  files: ['echo a > /a; echo b > /b', 'rm /a; echo c >> /b; rm /data/one', 'echo again > /a; rm /b; rm /data/two'],
  'a-directory-that-comes-back': [
    'rm -r /data',
    'mkdir /data; echo new > /data/one',
    'rm -r /data; mkdir -m 700 /data; echo > /data/four',
  ],
  'directories-made-anew': [
    'rm -r /data; mkdir /data; echo 1 > /data/x',
    'rm -r /data; mkdir -p /data/deep; echo 2 > /data/deep/y',
    'rm -r /data/deep; mkdir /data/deep; echo 3 > /data/deep/z',
  ],
  'directories-made-anew-in-each-other': [
    'rm -r /data; mkdir -p /data/deep/er',
    'echo 1 > /data/deep/er/a',
    'rm -r /data; mkdir -p /data/deep/er; echo 2 > /data/deep/er/b',
  ],
  'through-a-link': [
    'echo 1 > /lib/one',
    'mkdir /lib/sub; echo 2 > /lib/sub/two; rm /lib/x',
    'rm -r /lib/sub; echo x > /lib/x; rm /usr/lib/one',
  ],
  'a-directory-through-a-link-made-anew': [
    'mkdir /lib/sub; echo 1 > /lib/sub/a',
    'rm -r /lib/sub; mkdir /lib/sub; echo 2 > /lib/sub/b',
    'rm -r /lib/sub /usr/lib/y; mkdir /usr/lib/sub',
  ],
  'parents-of-the-layer-below': [
    'mkdir -p /made/in/here; echo > /made/in/file',
    'rm /made/in/file; rmdir /made/in/here; echo > /made/other',
    'rmdir /made/in; rm /made/other; rmdir /made; echo > /last',
  ],
  'a-parent-that-comes-back': [
    'mkdir -p /p/q; echo > /p/q/f; echo > /p/e',
    'rm -r /p/q; rm /p/e; rmdir /p; echo > /x',
    'mkdir -p /p/q; echo > /p/q/g',
  ],
  'files-and-links-in-the-place-of-directories': [
    'rm -r /data; echo file > /data',
    'rm /data; mkdir /data; echo > /data/in',
    'rm -r /data; ln -s etc /data; rm /etc/conf',
  ],
  'directories-in-the-place-of-links': [
    'rm /lib; mkdir /lib; echo > /lib/y',
    'rm -r /usr/lib; ln -s /lib /usr/lib; echo z > /usr/lib/z',
    'rm /usr/lib; mkdir /usr/lib; rm /lib/y; echo > /usr/lib/x',
  ],
  moves: ['mv /data /moved', 'mv /moved/deep /data; echo > /moved/new', 'mv /data /moved/deep; mv /moved /data'],
  'a-move-onto-what-was-removed': [
    'rm -r /data/deep; mv /usr /data/deep',
    'mv /data/deep /usr; rm /data/one',
    'mkdir /data/deep; mv /data/two /data/deep/one',
  ],
  'modes-and-owners': [
    'chmod 700 /data; chown 5:6 /data/deep',
    'rm -r /data/deep; chmod 755 /data',
    'mkdir -m 2755 /data/deep; chown 7 /data',
  ],
  'absolute-links-to-directories': [
    'ln -s /usr/lib /abs; ln -s /abs /data/deep/abs',
    'rm /abs/x; mkdir /data/deep/abs/in; echo 1 > /abs/in/a',
    'rm -r /abs/in; rm /abs; mkdir -p /abs/in; echo 2 > /abs/in/b',
  ],
  'a-tree-made-anew-below-a-link': [
    'rm -r /usr; mkdir -p /usr/lib; echo > /lib/x',
    'rm -r /usr; mkdir /usr; mv /data /usr/lib',
    'rm -r /lib/deep; mkdir /lib/deep; rm /usr/lib/one',
  ],
  'files-moved-onto-others': [
    'mv /data/one /data/two; mkdir /data/one',
    'rmdir /data/one; mv /data/deep /data/one; mv /data/two /data/deep',
    'mv /data/one/three /data/deep; rmdir /data/one; rm /etc/conf; mkdir /etc/conf; echo > /etc/conf/d',
  ],
  'odd-names': [
    "mkdir '/a b' '/data/*'; echo > '/a b/.hidden'; echo > '/data/*/[x]'; echo > '/data/..x'",
    "rm -r '/data/*' '/a b/.hidden'; echo > '/a b/wh.'",
    "rm -r '/a b' '/data/..x'; mkdir '/a b'",
  ],
  // Overlayfs makes these opaque although there is nothing to hide.
  'empty-directories-made-anew': [
    'mkdir /e /data/e; rm /data/one',
    'rmdir /e /data/e; mkdir /e /data/e; echo > /e/f; echo > /data/e/f',
    'rm -r /e /data/e; mkdir -m 700 /e',
  ],
  'empty-directories': ['mkdir /e /data/e', 'rmdir /e /data/e; mkdir /f', 'rmdir /f; mkdir /e'],
};

const FILES = {
  'etc/conf': 'conf\n',
  'data/one': 'one\n',
  'data/two': 'two\n',
  'data/deep/three': 'three\n',
  'usr/lib/x': 'x\n',
  'usr/lib/y': 'y\n',
};

/** An app of all scenarios. Their last layers are published; umoci knows no zstd. */
function app(): string {
  return `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
for (const [name, scripts] of Object.entries(${JSON.stringify(SCENARIOS)})) {
  scripts.reduce((from, run, at) => new Layer(app, at === 2 ? name : name + '-' + at, { from, run, buildOnly: at < 2 }), base);
}
`;
}

/** Everything about a tree but the times, which a script sets: a line an entry. */
function listing(directory: string): string[] {
  const entries = asRoot('find', directory, '-mindepth', '1', '-printf', '%P %y %m %U:%G %l\n');
  const contents = asRoot('find', directory, '-type', 'f', '-exec', 'sha256sum', '{}', '+');
  return [...entries.split('\n'), ...contents.replaceAll(`${directory}/`, '').split('\n')].sort();
}

/** Paths of a tree, and of the directories that something lies in. */
interface Paths {
  readonly all: ReadonlySet<string>;
  readonly inhabited: ReadonlySet<string>;
}

function pathsOf(directory: string): Paths {
  const all = asRoot('find', directory, '-mindepth', '1', '-printf', '%P\n').trim().split('\n');
  return { all: new Set(all), inhabited: new Set(all.map((each) => path.posix.dirname(each))) };
}

/** What removes something: paths that a layer says are gone, and directories that hide what is below. */
interface Marks {
  readonly gone: readonly string[];
  readonly opaque: readonly string[];
}

function marksOfTar(blob: string): Marks {
  const names = execFileSync('tar', ['-tzf', blob], { encoding: 'utf8' }).trim().split('\n');
  const marks = names.filter((name) => path.posix.basename(name).startsWith('.wh.'));
  const isOpaque = (name: string): boolean => path.posix.basename(name) === '.wh..wh..opq';
  return {
    gone: marks
      .filter((name) => !isOpaque(name))
      .map((name) => name.replace(/\.wh\.([^/]+)$/, '$1'))
      .sort(),
    opaque: marks
      .filter(isOpaque)
      .map((name) => path.posix.dirname(name))
      .sort(),
  };
}

function marksOfSquashfs(blob: string, mounted: string): Marks {
  const gone = asRoot('find', mounted, '-type', 'c', '-printf', '%P\n');
  // getfattr fails for an image that has no table of attributes (squashfs 4.0, xattr_id_table_start).
  const hasAttributes = fs.readFileSync(blob).readBigInt64LE(56) !== -1n;
  const command = ['getfattr', '-R', '-h', '--absolute-names', '-m', 'overlay.opaque', mounted];
  const opaque = [...(hasAttributes ? asRoot(...command) : '').matchAll(/^# file: (.*)$/gm)];
  return {
    gone: gone
      .split('\n')
      .filter((name) => name !== '')
      .sort(),
    opaque: opaque.map(([, file = '']) => path.relative(mounted, file)).sort(),
  };
}

describe('three layers that remove what is below them', () => {
  const mounts = new Mounts();
  const projects: Project[] = [];
  let layout: Layout;

  function newProject(): Project {
    const project = Project.create(app());
    projects.push(project);
    writeBusyboxTar(project.path('base.tar'), { files: FILES, links: { lib: 'usr/lib' } });
    return project;
  }

  beforeAll(() => {
    const project = newProject();
    expect(project.stack(['deploy'], { user: ROOT_USER })).toMatchObject({ status: 0 });
    layout = project.layout();
  }, 5 * MINUTE);

  afterAll(() => {
    mounts.end();
    for (const project of projects) project.remove();
  });

  /** Runs scripts one after the other in a plain directory; gives what was there before each. */
  function runPlainly(directory: string, scripts: Scripts): Paths[] {
    fs.mkdirSync(directory);
    asRoot('tar', '-xpf', projects[0]!.path('base.tar'), '-C', directory);
    return scripts.map((script) => {
      const before = pathsOf(directory);
      asRoot('chroot', directory, '/bin/sh', '-ec', script);
      return before;
    });
  }

  test.each(Object.entries(SCENARIOS))(
    'are what a plain directory would be, as tar and as squashfs, and hide nothing else: %s',
    (name, scripts) => {
      const plain = path.join(projects[0]!.home, name);
      const before = runPlainly(plain, scripts);

      const blobs = (image: string): string[] => layout.manifest(image).layers.map(({ digest }) => layout.blob(digest));
      const images = blobs(`${name}-squashfs`);
      const mounted = images.map((image) => mounts.squashfs(image));
      const bundle = `${plain}-bundle`;
      asRoot('umoci', 'unpack', '--image', `${layout.directory}:${name}`, bundle);
      expect(listing(mounts.overlay(...mounted))).toEqual(listing(plain));
      expect(listing(path.join(bundle, 'rootfs'))).toEqual(listing(plain));

      const [base, ...marks] = blobs(name).map(marksOfTar);
      expect(images.map((image, at) => marksOfSquashfs(image, mounted[at]!))).toEqual([base, ...marks]);
      expect(base).toEqual({ gone: [], opaque: [] });
      const vacuous = marks.map(({ gone, opaque }, at) => [
        ...gone.filter((each) => !before[at]!.all.has(each)),
        ...opaque.filter((each) => !before[at]!.inhabited.has(each)),
      ]);
      expect(vacuous).toEqual([[], [], []]);
      expect(marks.flatMap(({ gone, opaque }) => [...gone, ...opaque])).not.toEqual([]);
    },
    MINUTE,
  );

  test(
    'have the same digests when an ordinary user builds them',
    () => {
      const project = newProject();
      const user = addUser(USER);
      try {
        project.handOver(user);
        expect(project.stack(['deploy'], { user })).toMatchObject({ status: 0 });
        expect(project.layout().indexText).toBe(layout.indexText);
      } finally {
        removeUser(USER);
      }
    },
    5 * MINUTE,
  );
});
