import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { bytesToName } from '../../lib/core';
import { readSquashfs, type Entry, type Tree } from '../../lib/pack';
import { Project, type Outcome } from './installed';

const MINUTE = 60_000;
const MIB = 1024 * 1024;
const SUDO = process.getuid?.() === 0 ? [] : ['sudo'];

function asRoot(...command: string[]): string {
  const [program = '', ...args] = [...SUDO, ...command];
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('what mksquashfs makes', () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'squashfs-bases-'));
  const root = path.join(scratch, 'root');
  const lines = Buffer.from(Array.from({ length: 40_000 }, (_, line) => `line ${String(line)}\n`).join(''));

  beforeAll(() => {
    const write = (name: string | Buffer, content: Buffer | string): void => {
      fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]), content);
    };
    fs.mkdirSync(path.join(root, 'dir/empty'), { recursive: true });
    fs.mkdirSync(path.join(root, 'hidden'));
    fs.mkdirSync(path.join(root, 'many'));
    write('dir/large', lines);
    write('dir/same', lines);
    write('empty', '');
    write('noise', Buffer.from(sha256(lines).repeat(5000)));
    write('small', 'small');
    write(Buffer.from([0x6e, 0xff]), 'not UTF-8');
    for (let each = 0; each < 1500; each++) write(`many/${'n'.repeat(60)}${String(each)}`, String(each));
    fs.writeFileSync(path.join(root, 'sparse'), '');
    fs.truncateSync(path.join(root, 'sparse'), 3 * MIB + 5);
    fs.linkSync(path.join(root, 'small'), path.join(root, 'linked'));
    fs.symlinkSync('dir/large', path.join(root, 'symlink'));
    execFileSync('mkfifo', [path.join(root, 'fifo')]);
    execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind('${root}/socket')`]);
    asRoot('mknod', path.join(root, 'null'), 'c', '1', '3');
    asRoot('mknod', path.join(root, 'disk'), 'b', '259', '70000');
    asRoot('mknod', path.join(root, 'gone'), 'c', '0', '0');
    asRoot('ln', path.join(root, 'gone'), path.join(root, 'gone too')); // as overlayfs does it
    asRoot('setfattr', '-n', 'trusted.overlay.opaque', '-v', 'y', path.join(root, 'hidden'));
    asRoot('setfattr', '-n', 'user.note', '-v', `0x${'00ff'.repeat(40)}`, path.join(root, 'dir'));
    asRoot(
      'setfattr',
      '-n',
      'security.capability',
      '-v',
      '0x0100000202000000000000000000000000000000',
      path.join(root, 'small'),
    );
    asRoot('chown', '1000:4000000000', path.join(root, 'noise'));
    asRoot('chmod', '4711', path.join(root, 'noise'));
  });

  afterAll(() => {
    asRoot('rm', '-rf', scratch);
  });

  async function read(options: readonly string[]): Promise<Tree> {
    const file = path.join(fs.mkdtempSync(path.join(scratch, 'image-')), 'image');
    asRoot('mksquashfs', root, file, '-noappend', '-no-progress', '-quiet', ...options);
    asRoot('chmod', '644', file);
    const { tree } = await readSquashfs(file, { name: 'it', copy: `${file}.copy`, layer: 'overlay' });
    return tree;
  }

  /** What the tree says, to be compared with what the file system says. */
  function expected(tree: Tree): void {
    const found = new Map(tree.map((entry): [string, Entry] => [entry.path, entry]));
    const listed = execFileSync('find', [root, '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'latin1' });
    const names = listed
      .trim()
      .split('\n')
      .map((name) => bytesToName(Buffer.from(name, 'latin1')));
    expect([...found.keys()].sort()).toEqual(['', ...names.filter((name) => name !== 'socket')].sort());
    for (const name of ['dir/large', 'dir/same', 'empty', 'noise', 'sparse', 'many/' + 'n'.repeat(60) + '77']) {
      const content = fs.readFileSync(path.join(root, name));
      const { mode, uid, gid, mtimeMs } = fs.statSync(path.join(root, name));
      const metadata = { mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000) };
      expect(found.get(name)).toMatchObject({
        type: 'file',
        size: content.length,
        sha256: sha256(content),
        ...metadata,
      });
    }
    const capability = Buffer.from('0100000202000000000000000000000000000000', 'hex');
    const xattrs = [{ name: 'security.capability', value: capability }];
    expect(found.get('linked')).toMatchObject({ type: 'file', sha256: sha256(Buffer.from('small')), xattrs });
    expect(found.get('small')).toMatchObject({ type: 'hardlink', target: 'linked', xattrs });
    expect(found.get('symlink')).toMatchObject({ type: 'symlink', target: 'dir/large' });
    expect(found.get('fifo')).toMatchObject({ type: 'fifo' });
    expect(found.get('null')).toMatchObject({ type: 'char', major: 1, minor: 3 });
    expect(found.get('disk')).toMatchObject({ type: 'block', major: 259, minor: 70_000 });
    expect(found.get('gone')).toEqual({ type: 'whiteout', path: 'gone' });
    expect(found.get('gone too')).toEqual({ type: 'whiteout', path: 'gone too' });
    expect(found.get('hidden')).toMatchObject({ type: 'directory', opaque: true });
    expect(found.get('hidden')).not.toHaveProperty('xattrs');
    expect(found.get('dir')).toMatchObject({
      xattrs: [{ name: 'user.note', value: Buffer.from('00ff'.repeat(40), 'hex') }],
    });
  }

  it.each<[string, string[]]>([
    ['zstd', ['-comp', 'zstd']],
    ['gzip', ['-comp', 'gzip']],
    ['xz', ['-comp', 'xz']],
    ['nothing compressed', ['-noI', '-noD', '-noF', '-noX']],
    ['without fragments', ['-comp', 'zstd', '-no-fragments']],
    ['fragments for all', ['-comp', 'zstd', '-always-use-fragments']],
    ['without tables for export', ['-comp', 'zstd', '-no-exports']],
    ['blocks of 4 KiB', ['-comp', 'gzip', '-b', '4096']],
    ['blocks of 1 MiB', ['-comp', 'zstd', '-b', '1M']],
    ['without duplicates found', ['-comp', 'zstd', '-no-duplicates']],
  ])('is read as it is (%s)', async (_, options) => expected(await read(options)), MINUTE);

  it.each(['lz4', 'lzo'])('compressed with %s is refused', async (compressor) => {
    await expect(read(['-comp', compressor])).rejects.toMatchObject({ code: 'STACK4005' });
  });
});

const BASE = `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['squashfs'] });
const root = new Layer(app, 'root', { from: 'tar:base.tar', buildOnly: true });
new Layer(app, 'base', { from: root, run: 'rm /data/one /data/two; rm -r /old; mkdir /old; echo made > /old/made' });
`;
const UPPER = `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'], tar: { compression: 'gzip' } });
const base = new Layer(app, 'base', { from: 'oci:base/oci:base-squashfs', buildOnly: true });
new Layer(app, 'ran', { from: base, run: 'ls /data /old > /seen; rm /old/made; echo new > /data/new' });
new Layer(app, 'taken', { imports: [{ source: base.file('/old/made'), dest: '/made' }] });
new Layer(app, 'over', { from: base, imports: [{ source: 'f', dest: '/data/' }] });
`;

function deployed(outcome: Outcome): Outcome {
  expect(outcome).toMatchObject({ status: 0 });
  return outcome;
}

/** A root filesystem of busybox with some files to change. */
function addBase(project: Project): void {
  const root = project.path('root');
  fs.mkdirSync(path.join(root, 'bin'), { recursive: true });
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  fs.copyFileSync(busybox, path.join(root, 'bin/busybox'));
  for (const name of ['sh', 'ls', 'mkdir', 'rm']) fs.symlinkSync('busybox', path.join(root, 'bin', name));
  for (const name of ['data/one', 'data/two', 'data/three', 'old/x']) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), `${name}\n`);
  }
  execFileSync('tar', [
    '--owner=0',
    '--group=0',
    '--mtime=@1000000000',
    '-cf',
    project.path('base.tar'),
    '-C',
    root,
    '.',
  ]);
  fs.rmSync(root, { recursive: true });
}

describe('an image of squashfs layers as a base', () => {
  const base = Project.create(BASE);
  const upper = Project.create(UPPER, { f: 'F' });
  let layout: ReturnType<Project['layout']>;

  beforeAll(() => {
    addBase(base);
    deployed(base.stack(['deploy']));
    fs.mkdirSync(upper.path('base'));
    fs.cpSync(base.path('oci'), upper.path('base/oci'), { recursive: true });
    deployed(upper.stack(['deploy']));
    layout = upper.layout();
  }, 2 * MINUTE);

  afterAll(() => {
    base.remove();
    upper.remove();
  });

  /** What an image of tar layers looks like, and what the file says. */
  function unpacked(name: string): (file: string) => string {
    const bundle = fs.mkdtempSync(path.join(upper.home, 'bundle-'));
    execFileSync('umoci', ['unpack', '--rootless', '--image', `${layout.directory}:${name}`, path.join(bundle, 'b')]);
    return (file) => {
      const place = path.join(bundle, 'b/rootfs', file);
      return fs.statSync(place).isDirectory() ? fs.readdirSync(place).join() : fs.readFileSync(place, 'utf8');
    };
  }

  it('runs scripts on it, and what they remove is gone in both formats', () => {
    const tar = unpacked('ran');
    expect(tar('/seen')).toBe('/data:\nthree\n\n/old:\nmade\n');
    expect(tar('/data')).toBe('new,three');
    expect(tar('/old')).toBe('');

    const trees = layout.manifest('ran-squashfs').layers.map(({ digest }) => {
      const directory = path.join(fs.mkdtempSync(path.join(upper.home, 'mounted-')), 'tree');
      asRoot('unsquashfs', '-no-progress', '-quiet', '-dest', directory, layout.blob(digest));
      return directory;
    });
    expect(trees).toHaveLength(3);
    expect(fs.readFileSync(path.join(trees[2]!, 'seen'), 'utf8')).toBe('/data:\nthree\n\n/old:\nmade\n');
    expect(fs.statSync(path.join(trees[2]!, 'old/made'))).toMatchObject({ rdev: 0, size: 0 });
    expect(fs.statSync(path.join(trees[2]!, 'old/made')).isCharacterDevice()).toBe(true);
    expect(fs.statSync(path.join(trees[1]!, 'data/one')).isCharacterDevice()).toBe(true);
  });

  it('gives its files, and takes others', () => {
    expect(unpacked('taken')('/made')).toBe('made\n');
    expect(unpacked('over')('/data')).toBe('f,three');
  });

  it('is used by its blobs where the format fits', () => {
    const lower = base.layout().manifest('base-squashfs').layers;
    expect(layout.manifest('over-squashfs').layers.slice(0, lower.length)).toEqual(lower);
  });

  it('gives the same digests again in another store', () => {
    const again = Project.create(UPPER, { f: 'F' });
    try {
      fs.cpSync(upper.path('base'), again.path('base'), { recursive: true });
      deployed(again.stack(['deploy']));
      expect(again.layout().indexText).toBe(layout.indexText);
    } finally {
      again.remove();
    }
  });

  it('can be built on a second time, on what was built on it', () => {
    const second = Project.create(UPPER.replaceAll('base/oci:base-squashfs', 'base/oci:over-squashfs'), { f: 'G' });
    try {
      fs.cpSync(layout.directory, second.path('base/oci'), { recursive: true });
      deployed(second.stack(['deploy']));
      deployed(second.stack(['deploy']));
      expect(second.layout().manifest('over').layers).toHaveLength(4);
    } finally {
      second.remove();
    }
  });
});
