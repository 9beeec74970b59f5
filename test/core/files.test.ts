import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ownIdentity, removeLeftTemporaries, TEMPORARY_FILE, temporaryName, writeFileAtomic } from '../../lib/core';

let directory: string;
let file: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  file = path.join(directory, 'file');
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

describe('writeFileAtomic', () => {
  test('makes a file with the mode asked for', async () => {
    await writeFileAtomic(file, 'text', 0o600);
    expect(fs.readFileSync(file, 'utf8')).toBe('text');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(directory)).toEqual(['file']);
  });

  test('replaces the file, so that who has the old one open goes on reading it', async () => {
    fs.writeFileSync(file, 'old');
    const handle = fs.openSync(file, 'r');
    try {
      await writeFileAtomic(file, 'new');
      expect(fs.readFileSync(handle, 'utf8')).toBe('old');
      expect(fs.readFileSync(file, 'utf8')).toBe('new');
    } finally {
      fs.closeSync(handle);
    }
  });

  test('leaves everything as it was when it fails', async () => {
    fs.mkdirSync(file);
    await expect(writeFileAtomic(file, 'text')).rejects.toThrow(/EISDIR/);
    expect(fs.readdirSync(directory)).toEqual(['file']);
    expect(fs.readdirSync(file)).toEqual([]);
  });

  test('uses temporary names that can be told from others', async () => {
    const names: string[] = [];
    const watcher = fs.watch(directory, (_, name) => names.push(name ?? ''));
    await writeFileAtomic(file, 'text');
    await new Promise((resolve) => setTimeout(resolve, 50));
    watcher.close();
    expect(names.filter((name) => name !== 'file' && !TEMPORARY_FILE.test(name))).toEqual([]);
    expect(names.some((name) => TEMPORARY_FILE.test(name))).toBe(true);
    expect(TEMPORARY_FILE.test('index.json')).toBe(false);
  });
});

test('what killed writes left beside a file is removed, and nothing else', async () => {
  const { started, machine } = ownIdentity();
  const dead = `file.${String(2 ** 22 + 1)}-${started}-${machine}-0123456789ab.tmp`;
  const alive = `file.${temporaryName()}.tmp`;
  for (const name of ['file', dead, alive, 'file.tmp', `other.${dead}`])
    fs.writeFileSync(path.join(directory, name), '');
  await removeLeftTemporaries(file);
  expect(fs.readdirSync(directory).sort()).toEqual(['file', alive, 'file.tmp', `other.${dead}`].sort());
});
