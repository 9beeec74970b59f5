import * as fs from 'node:fs';
import * as path from 'node:path';
import { bytesToName, compareNames, errnoOf, messageOf, nameToBytes, StackError } from '../core';
import { identityOf, type FileIdentity } from '../pack';

/** One thing found on the host. */
export interface HostEntry {
  /** Relative to the scanned path; `''` is that itself. */
  readonly path: string;
  readonly file: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly identity: FileIdentity;
  readonly executable: boolean;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** What a scan passes over. It never applies to the scanned path itself. */
export interface ScanFilter {
  /** Judges by path, before anything is looked at; what is below a directory is not seen then either. */
  skips(child: { readonly path: string; readonly isDirectory: boolean }): boolean;
  /** Judges by what is there, whatever it is called. */
  skipsInode(identity: FileIdentity): boolean;
}

/**
 * Lists a file or a whole directory in byte order. A symbolic link at `top` itself is followed unless it dangles, those inside are not.
 * @throws StackError STACK3003 when something is missing or cannot be read, STACK4004 for devices, pipes and sockets
 */
export function scanHost(top: string, filter: ScanFilter): HostEntry[] {
  const found: HostEntry[] = [];
  const todo = [inspect('', top, fs.existsSync(nameToBytes(top)))];
  for (let entry = todo.pop(); entry !== undefined; entry = todo.pop()) {
    found.push(entry);
    if (entry.type !== 'directory') continue;
    for (const child of listDirectory(entry)) {
      if (filter.skips(child)) continue;
      const inspected = inspect(child.path, child.file, false);
      if (!filter.skipsInode(inspected.identity)) todo.push(inspected);
    }
  }
  return found.sort((a, b) => compareNames(a.path, b.path));
}

interface Child {
  readonly path: string;
  readonly file: string;
  readonly isDirectory: boolean;
}

function listDirectory({ path: relative, file }: HostEntry): readonly Child[] {
  try {
    const children = fs.readdirSync(nameToBytes(file), { encoding: 'buffer', withFileTypes: true });
    return children.map((child) => {
      const name = bytesToName(child.name);
      return {
        path: relative === '' ? name : `${relative}/${name}`,
        file: path.join(file, name),
        isDirectory: child.isDirectory(),
      };
    });
  } catch (error) {
    throw unreadable(file, error);
  }
}

function inspect(relative: string, file: string, follow: boolean): HostEntry {
  const bytes = nameToBytes(file);
  let stat: fs.BigIntStats;
  try {
    stat = follow ? fs.statSync(bytes, { bigint: true }) : fs.lstatSync(bytes, { bigint: true });
  } catch (error) {
    throw unreadable(file, error);
  }
  const entry = { path: relative, file, identity: identityOf(stat), executable: (stat.mode & 0o100n) !== 0n };
  if (stat.isFile()) return { ...entry, type: 'file' };
  if (stat.isDirectory()) return { ...entry, type: 'directory' };
  if (stat.isSymbolicLink()) return { ...entry, type: 'symlink', target: readLink(file) };
  throw new StackError('STACK4004', `'${file}' is a device, pipe or socket, which cannot be imported`, {
    hint: 'exclude it',
  });
}

function readLink(file: string): string {
  try {
    return bytesToName(fs.readlinkSync(nameToBytes(file), { encoding: 'buffer' }));
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): StackError {
  const missing = errnoOf(cause) === 'ENOENT';
  return new StackError(
    'STACK3003',
    missing ? `'${file}' does not exist` : `cannot read '${file}': ${messageOf(cause)}`,
    {
      cause,
    },
  );
}
