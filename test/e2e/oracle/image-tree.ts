import type { Project } from '../installed';

/** What a container of an image sees at each path: type, mode, owners, and target or sha256. */
export type ImageTree = ReadonlyMap<string, string>;

/** What two ways to the same packages need not have in common, and why. */
const EXCLUDED: readonly (readonly [RegExp, string])[] = [
  [/^\/(dev|proc|sys|run|stack|tmp|var\/tmp)\//, 'of the sandbox, or of nobody'],
  [/^\/etc\/resolv\.conf$/, 'of the sandbox'],
  [/^\/var\/log\//, 'logs tell what was done when'],
  [/^\/var\/cache\/(apt|fontconfig|ldconfig|man)\//, 'caches that are made again where they are wrong'],
  [
    /^\/var\/lib\/dbus\/machine-id$|^\/etc\/machine-id$/,
    'ids of the machine, which a combination leaves to its first start',
  ],
  [/^\/var\/lib\/apt\/lists\//, 'lists of what could be installed'],
  [/^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/, 'backups of the state before the last change'],
  [/^\/var\/(lib\/dpkg|cache\/debconf)\/[^/]*-old$/, 'backups of the state before the last change'],
  [/^\/var\/lib\/ucf\/\w+\.[0-9]$/, 'backups of the state before the last change'],
  [
    /^\/(etc\/(xml|sgml)|var\/lib\/sgml-base|usr\/share\/info)\/[^/]*\.old$/,
    'backups of the state before the last change',
  ],
  [/^\/var\/lib\/dpkg\/(lock(-frontend)?|triggers\/Lock)$|^\/etc\/\.pwd\.lock$/, 'locks, made when they are needed'],
];

/** Entries, an empty field, and hashes: each ends with a zero. */
const LOOK = `find / -xdev -mindepth 1 -printf '%p\\0%y %m %U:%G %l\\0'; printf '\\0'
find / -xdev -type f -not -path '/proc/*' -not -path '/sys/*' -print0 | xargs -0 sha256sum -z`;

/** Looks at an image in a sandbox with its own tools. */
export function imageTree(project: Project, image: string): ImageTree {
  const entries = new Map<string, string>();
  const fields = inImage(project, image, LOOK).split('\0').slice(0, -1);
  const end = fields.indexOf('');
  for (let at = 0; at < end; at += 2) entries.set(fields[at] ?? '', fields[at + 1] ?? '');
  for (const line of fields.slice(end + 1)) {
    const [sha256, file] = [line.slice(0, 64), line.slice(66)];
    entries.set(file, `${entries.get(file) ?? ''}${sha256}`);
  }
  return new Map([...entries].filter(([file]) => !EXCLUDED.some(([pattern]) => pattern.test(file))));
}

/** What a shell command writes in a copy of an image. */
export function inImage(project: Project, image: string, command: string): string {
  return run(project, ['shell', image, '--', 'sh', '-c', command]);
}

/** What a command of ours writes; it has to end well. */
export function run(project: Project, args: readonly string[]): string {
  const { status, stdout, stderr } = project.stack(args);
  if (status !== 0) throw new Error(`stack ${args.join(' ')} ended with ${String(status)}:\n${stderr}${stdout}`);
  return stdout;
}

/** The paths where two trees differ, each with what is there. */
export function differences(a: ImageTree, b: ImageTree): readonly string[] {
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  return paths.flatMap((path) => {
    const [left, right] = [a.get(path), b.get(path)];
    return left === right ? [] : [`${path}: ${left ?? 'nothing'} | ${right ?? 'nothing'}`];
  });
}
