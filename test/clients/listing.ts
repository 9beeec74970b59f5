import { execFileSync } from 'node:child_process';
import { asRoot } from '../e2e/as-root';

/** Columns that find prints of each entry, each ended by a NUL. */
const COLUMNS = ['%P', '%i', '%y', '%m', '%U:%G', '%s', '%T@', '%l'];

/**
 * Lists a directory tree, one line an entry, sorted by name: type, mode, owner, size, time, target of a link or digest of a
 * file, extended attributes, and the other names of the same inode. Names are read byte by byte.
 */
export function listTree(directory: string): readonly string[] {
  const script = `cd "$1" && find . -mindepth 1 -printf '${COLUMNS.map((column) => `${column}\\0`).join('')}'`;
  const values = nulSeparated(asRootBytes('sh', '-c', script, 'sh', directory));
  const digests = digestsIn(directory);
  const attributes = attributesIn(directory);
  const names = new Map<string, string[]>();
  const rows = [];
  for (let at = 0; at < values.length; at += COLUMNS.length) {
    const [path = '', inode = '', type = '', mode = '', owner = '', size = '', time = '', target = ''] =
      values.slice(at);
    const isDirectory = type === 'd';
    if (!isDirectory) names.set(inode, [...(names.get(inode) ?? []), path]);
    const what = [type, mode, owner, isDirectory ? '-' : size, seconds(time), target, digests.get(path) ?? ''];
    rows.push({ path, inode, line: [path, ...what, ...(attributes.get(path) ?? [])].join('\t') });
  }
  return rows
    .map(({ path, inode, line }) => {
      const others = (names.get(inode) ?? []).filter((name) => name !== path).sort();
      return others.length === 0 ? line : `${line}\tsame as ${others.join(' ')}`;
    })
    .sort();
}

function seconds(time: string): string {
  return time.replace(/\.0*$/, '');
}

function digestsIn(directory: string): ReadonlyMap<string, string> {
  const script = 'cd "$1" && find . -type f -exec sha256sum -z {} +';
  const lines = nulSeparated(asRootBytes('sh', '-c', script, 'sh', directory));
  return new Map(lines.map((line) => [line.slice(66 + './'.length), line.slice(0, 64)]));
}

/** What getfattr dumps, with the names as they are. */
function attributesIn(directory: string): ReadonlyMap<string, readonly string[]> {
  const script = 'cd "$1" && getfattr -R -P -h -d -m - -e hex . 2>/dev/null || true';
  const found = new Map<string, readonly string[]>();
  for (const block of asRootBytes('sh', '-c', script, 'sh', directory).trim().split('\n\n')) {
    const [head = '', ...lines] = block.split('\n');
    const name = head
      .replace(/^# file: /, '')
      .replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    if (head !== '') found.set(name, lines.sort());
  }
  return found;
}

function nulSeparated(text: string): string[] {
  return text.split('\0').slice(0, -1);
}

function asRootBytes(...command: readonly string[]): string {
  // asRoot reads UTF-8, and names need not be that.
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [program = '', ...args] = [...sudo, ...command];
  return execFileSync(program, args, { encoding: 'latin1', maxBuffer: 256 * 1024 * 1024 });
}

/** The names directly in a directory. */
export function namesIn(directory: string): readonly string[] {
  return asRoot('ls', '-A', directory).trim().split('\n');
}
