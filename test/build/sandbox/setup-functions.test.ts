import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { SETUP_FUNCTIONS } from '../../../lib/build/sandbox/setup-functions';
import { commandLine, quote } from '../../../lib/build/sandbox/shell-text';

let work: string;
let root: string;

beforeEach(() => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'setup-'));
  root = path.join(work, 'root');
  for (const name of ['root', 'points', 'run', 'stack']) fs.mkdirSync(path.join(work, name));
});

afterEach(() => {
  fs.rmSync(work, { recursive: true, force: true });
});

function shell(commands: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const script = `set -eu\nwork=${quote(work)} work_field=/W\n${SETUP_FUNCTIONS}\n${commands}`;
  return spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
}

function resolve(target: string): string {
  const { stdout, stderr } = shell(`resolve ${quote(target)}\nprintf %s "$inside"`);
  return stdout + stderr;
}

function link(target: string, name: string): void {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.symlinkSync(target, file);
}

function at(...words: string[]): string {
  const { stdout, stderr, status } = shell(commandLine(['at', ...words]));
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}

describe('a path of an image', () => {
  test.each([
    ['/etc/resolv.conf', '/etc/resolv.conf'],
    ['/a//b/./c/', '/a/b/c'],
    ['/a/../../../etc', '/etc'],
    ['/', ''],
  ])('without links, %s, is %s', (target, expected) => {
    expect(resolve(target)).toBe(expected);
  });

  test.each([
    ['absolute', '/usr/lib', '/usr/lib/x'],
    ['relative', 'usr/lib', '/usr/lib/x'],
    ['climbing', '../../../../../usr', '/usr/x'],
    ['the root', '/', '/x'],
    ['with blanks', '/a b/c', '/a b/c/x'],
  ])('through a link that is %s stays inside', (_, target, expected) => {
    link(target, 'lib');
    expect(resolve('/lib/x')).toBe(expected);
  });

  test('is followed through several links', () => {
    link('../run', 'var/run');
    link('/var/run/resolvconf', 'etc/conf');
    link('../etc/conf/file', 'etc/resolv.conf');
    expect(resolve('/etc/resolv.conf')).toBe('/run/resolvconf/file');
  });

  test('in a circle is an error', () => {
    link('b', 'a');
    link('a', 'b');
    expect(resolve('/a')).toBe("'/a' of the image has too many symbolic links\n");
  });

  test('with a line break, which would be another mount, is an error', () => {
    link('/x\n/etc /root/etc none bind 0 0', 'etc/resolv.conf');
    expect(resolve('/etc/resolv.conf')).toBe("'/etc/resolv.conf' of the image is a path with control characters\n");
  });
});

describe('a mount', () => {
  test('needs no mount point where there is something', () => {
    fs.mkdirSync(path.join(root, 'proc'));
    expect(at('/proc', 'directory', 'proc', 'proc', 'nosuid')).toBe('proc /W/root/proc proc nosuid 0 0\n');
    expect(fs.readdirSync(path.join(work, 'points'))).toEqual([]);
  });

  test('gets a mount point in a layer of its own where there is none', () => {
    at('/opt/a b/directory', 'directory', '/x', 'none', 'bind');
    at('/opt/file', 'file', '/y', 'none', 'bind');
    expect(fs.statSync(path.join(work, 'points/opt/a b/directory')).isDirectory()).toBe(true);
    expect(fs.statSync(path.join(work, 'points/opt/file')).isFile()).toBe(true);
    expect(fs.readdirSync(root)).toEqual([]);
  });

  test('gets its mount point in /run when it is there in truth', () => {
    link('../run/resolve/stub.conf', 'etc/resolv.conf');
    const line = at('/etc/resolv.conf', 'file', '/x', 'none', 'bind');
    expect(line).toBe('/x /W/root/run/resolve/stub.conf none bind 0 0\n');
    expect(fs.existsSync(path.join(work, 'run/resolve/stub.conf'))).toBe(true);
  });

  test('escapes its target', () => {
    expect(at('/a b\\#', 'directory', '/x', 'none', 'bind')).toBe('/x /W/root/a\\040b\\134\\043 none bind 0 0\n');
  });

  test('can be of a place upon itself', () => {
    expect(at('/proc/sys', 'file', '', 'none', 'bind,ro')).toBe('/W/root/proc/sys /W/root/proc/sys none bind,ro 0 0\n');
  });

  test('can have further mounts in it', () => {
    const { stdout } = shell(
      [
        commandLine(['at', '/data', 'directory', '/srv', 'none', 'rbind,ro']),
        commandLine(['within', '/in', '/srv/in', 'rbind,ro']),
      ].join('\n'),
    );
    expect(stdout.split('\n')[1]).toBe('/srv/in /W/root/data/in none rbind,ro 0 0');
  });
});
