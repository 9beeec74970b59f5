import { asRoot } from './as-root';

/** Lists a directory in Python, apart from our code: everything that a container could see of it. */
const LISTER = `
import hashlib, json, os, stat, sys
top = os.fsencode(sys.argv[1])
def attributes(path):
    found = {}
    try: names = os.listxattr(path, follow_symlinks=False)
    except OSError: return found # a file system without attributes
    for name in sorted(names):
        if '.overlay.' in name or name == 'security.selinux': continue
        found[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    return found
firsts, lines = {}, []
paths = [top]
for base, directories, files in os.walk(top):
    paths += [os.path.join(base, name) for name in directories + files]
for path in sorted(paths):
    name = os.fsdecode(path[len(top) + 1:])
    try: s = os.lstat(path)
    except FileNotFoundError: # overlayfs lists whiteouts of directories that are in one layer only
        lines.append({'path': name, 'kind': 'listed', 'mode': '', 'owner': [], 'time': 0, 'xattrs': {}})
        continue
    kind = stat.S_IFMT(s.st_mode)
    line = {'path': name, 'kind': oct(kind), 'mode': oct(s.st_mode & 0o7777), 'owner': [s.st_uid, s.st_gid], 'time': int(s.st_mtime // 1), 'xattrs': attributes(path)}
    if stat.S_ISREG(s.st_mode): line['content'] = hashlib.sha256(open(path, 'rb').read()).hexdigest()
    if stat.S_ISLNK(s.st_mode): line['target'] = os.readlink(os.fsdecode(path))
    if kind in (stat.S_IFCHR, stat.S_IFBLK): line['device'] = [os.major(s.st_rdev), os.minor(s.st_rdev)]
    if kind != stat.S_IFDIR: line['first'] = firsts.setdefault((s.st_dev, s.st_ino), name)
    lines.append(line)
json.dump(lines, sys.stdout)
`;

/** One thing in a directory. */
export interface Listed {
  readonly path: string;
  readonly kind: string;
  readonly mode: string;
  readonly owner: readonly [uid: number, gid: number];
  readonly time: number;
  readonly xattrs: Readonly<Record<string, string>>;
  /** The first path of the same inode. */
  readonly first?: string;
}

export function listTree(directory: string): readonly Listed[] {
  return JSON.parse(asRoot('python3', '-c', LISTER, directory)) as readonly Listed[];
}

/** Lines to compare. Times of directories that nobody described are those of whoever unpacked them, so these are left out. */
export function linesOf(listed: readonly Listed[], undescribed: (time: number) => boolean): string[] {
  return listed.map(({ time, ...each }) =>
    JSON.stringify({ ...each, ...(each.kind === '0o40000' && undescribed(time) ? {} : { time }) }),
  );
}
