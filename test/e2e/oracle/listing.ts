import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** What is at a path. */
export interface Listed {
  /** Type, mode, owners, size, target, sha256 and attributes. */
  readonly what: string;
  readonly isDirectory: boolean;
  /** Seconds since 1970. */
  readonly time: number;
  /** The first of the names of a file, that of its own where there is one alone. */
  readonly first: string;
}

/** A tree by paths, `.` being its root. */
export type Listing = ReadonlyMap<string, Listed>;

/** Tools that scripts and listings need and that busybox lacks, or does otherwise. */
const TOOLS = [
  'find',
  'xargs',
  'sha256sum',
  'getfattr',
  'setfattr',
  'cp',
  'mv',
  'ln',
  'touch',
  'chown',
  'tar',
  'timeout',
];
/** Not compared: what is the sandbox's, and tools. */
const LEFT_OUT = ['proc', 'sys', 'dev', 'run', 'stack', 'out', 'tmp', 'etc', 'tools', 'bin', 'lib', 'lib64', 'usr'];

const MARK = '=====';
const PRUNED = LEFT_OUT.map((name) => `-path ./${name}`).join(' -o ');
/** A script for any shell that lists a directory. */
export const LIST = `cd "$1"
walk() { find . -xdev \\( ${PRUNED} \\) -prune -o "$@"; }
walk -printf '%P\\0%y %m %U:%G %s %T@ %D:%i %l\\0'
printf '${MARK}\\0'
walk -type f -print0 | xargs -0 -r sha256sum -z --
printf '${MARK}\\0'
walk ! -type p -print0 | xargs -0 -r getfattr -h -d -m '^user[.]|^security.capability$' -e hex -- 2> /dev/null ||
  true # it fails on file systems that have no attributes at all
`;

/** Makes busybox' shell, which takes its own programs first, use the tools. */
export const USE_TOOLS = [
  'PATH=/tools:/bin; export PATH',
  ...TOOLS.map((name) => `${name}() { /tools/${name} "$@"; }`),
].join('\n');

/** Copies the tools with the libraries they need into a root filesystem, and the listing as /tools/list. */
export function addTools(root: string): void {
  const tools = path.join(root, 'tools');
  fs.mkdirSync(tools, { recursive: true });
  fs.writeFileSync(path.join(tools, 'list'), LIST, { mode: 0o755 });
  for (const name of TOOLS) {
    const program = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    fs.copyFileSync(program, path.join(tools, name));
    const needed = execFileSync('ldd', [program], { encoding: 'utf8' });
    for (const [library] of needed.matchAll(/\/\S+/g)) {
      fs.mkdirSync(path.dirname(path.join(root, library)), { recursive: true });
      fs.copyFileSync(library, path.join(root, library));
    }
  }
}

/** Understands what {@link LIST} writes. */
export function parseListing(text: string): Listing {
  const [entries = '', hashes = '', attributes = ''] = text.split(`${MARK}\0`);
  const more = new Map<string, string>();
  for (const line of hashes.split('\0').slice(0, -1)) more.set(withoutDot(line.slice(66)), line.slice(0, 64));
  for (const block of attributes.split('\n\n')) {
    const [head = '', ...values] = block.trim().split('\n');
    const file = withoutDot(unescaped(head.replace('# file: ', '')));
    if (head !== '') more.set(file, `${more.get(file) ?? ''} ${values.sort().join(' ')}`);
  }
  const firsts = new Map<string, string>();
  const fields = entries.split('\0').slice(0, -1);
  const lines = Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at] ?? '', fields[2 * at + 1] ?? '']);
  const sorted = lines.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return new Map(
    sorted.map(([name = '', line = '']) => {
      const [type = '', mode = '', owner = '', size = '', time = '', inode = ''] = line.split(' ');
      const target = line.split(' ').slice(6).join(' ');
      if (type === 'f' && !firsts.has(inode)) firsts.set(inode, name);
      const parts = [type, type === 'l' ? '' : mode, owner, type === 'f' ? size : '', target, more.get(name) ?? ''];
      const first = type === 'f' ? (firsts.get(inode) ?? name) : name;
      return [name, { what: parts.join(' '), isDirectory: type === 'd', time: Math.floor(Number(time)), first }];
    }),
  );
}

/** What a script has set itself, and what builds make of other times. */
export interface Times {
  /** All that is later is of the script's run. */
  readonly started: number;
  readonly epoch: number;
  /** What the script found. */
  readonly before: Listing;
}

/** Where an image is not what a script has left, each with both; times as the guide says they are. */
export function deviations(left: Listing, image: Listing, times: Times): readonly string[] {
  const paths = [...new Set([...left.keys(), ...image.keys()])].sort();
  return paths.flatMap((name) => {
    const [wanted, found] = [left.get(name), image.get(name)];
    if (wanted === undefined || found === undefined || wanted.what !== found.what) {
      return [`/${name}: left ${wanted?.what ?? 'nothing'} | found ${found?.what ?? 'nothing'}`];
    }
    if (wanted.first !== found.first) return [`/${name}: left a name of ${wanted.first} | found one of ${found.first}`];
    const allowed = timesOf(name, wanted, times);
    if (allowed.includes(found.time)) return [];
    return [`/${name}: left time ${String(wanted.time)} | found ${String(found.time)}, not ${allowed.join(' or ')}`];
  });
}

function timesOf(name: string, { time, isDirectory }: Listed, { started, epoch, before }: Times): readonly number[] {
  if (time < started) return [time];
  const known = isDirectory ? before.get(name) : undefined;
  return known?.isDirectory === true ? [epoch, known.time] : [epoch];
}

function withoutDot(name: string): string {
  return name === '.' ? '' : name.replace(/^\.\//, '');
}

/** getfattr writes bytes that are not printable, and backslashes, in octal. */
function unescaped(name: string): string {
  const bytes = name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return bytes === name ? name : Buffer.from(bytes, 'latin1').toString('utf8');
}
