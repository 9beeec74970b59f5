import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { MountLine } from '../../../lib/build/sandbox/mounts';
import { makeWorkDirectory } from '../../../lib/build/sandbox/work-directory';

let directory: string;
let work: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'work-'));
  work = path.join(directory, 'work');
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function mount(target: string, kind: MountLine['kind']): MountLine {
  return { target, kind, source: '/x', type: 'none', options: 'bind' };
}

function make(mounts: readonly MountLine[] = []): void {
  makeWorkDirectory(work, {
    lowers: ['/layers/a:b,c', '/layers/d'],
    upper: '/layers/upper',
    devices: [
      { name: 'null', kind: 'file', line: '' },
      { name: 'pts', kind: 'directory', line: '' },
    ],
    mounts,
  });
}

function mode(...names: string[]): string {
  return (fs.statSync(path.join(work, ...names)).mode & 0o7777).toString(8);
}

describe('the directory of a run', () => {
  test('is nobody else’s', () => {
    make();
    expect(mode()).toBe('700');
  });

  test('gives layers short names', () => {
    make();
    const links = fs.readdirSync(path.join(work, 'layers')).sort();
    expect(links).toEqual(['0', '1', 'b', 'p', 'u', 'w']);
    expect(fs.readlinkSync(path.join(work, 'layers/0'))).toBe('/layers/a:b,c');
    expect(fs.readlinkSync(path.join(work, 'layers/u'))).toBe('/layers/upper');
  });

  test('has mount points where they are going to be looked for', () => {
    make([
      mount('/proc', 'directory'),
      mount('/proc/sys', 'file'),
      mount('/opt/deep/directory', 'directory'),
      mount('/opt/file', 'file'),
      mount('/run', 'directory'),
      mount('/run/secrets/a', 'file'),
      mount('/stack/imports/b', 'directory'),
    ]);
    const files = fs.readdirSync(work, { recursive: true }) as string[];
    expect(files.filter((file) => /^(bottom|run|stack)\//.test(file)).sort()).toEqual([
      'bottom/opt',
      'bottom/opt/deep',
      'bottom/opt/deep/directory',
      'bottom/opt/file',
      'bottom/proc',
      'bottom/run',
      'bottom/tmp',
      'run/lock',
      'run/secrets',
      'run/secrets/a',
      'stack/imports',
      'stack/imports/b',
    ]);
  });

  test('does not depend on the umask, since scripts see parts of it', () => {
    const before = process.umask(0o077);
    try {
      make([mount('/opt/deep/directory', 'directory')]);
    } finally {
      process.umask(before);
    }
    expect([mode('dev'), mode('run'), mode('bottom/opt/deep'), mode('bottom/tmp'), mode('run/lock')]).toEqual([
      '755',
      '755',
      '755',
      '1777',
      '1777',
    ]);
  });

  test('is an error when it is in use', () => {
    make();
    expect(() => {
      make();
    }).toThrow(expect.objectContaining({ code: 'STACK7001' }) as Error);
  });
});
