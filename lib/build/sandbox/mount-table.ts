/** One mount of this process' mount namespace. */
export interface MountPoint {
  readonly path: string;
  /** Options of the mount itself, such as `nosuid`. */
  readonly options: readonly string[];
}

/** A bind mount and what it has to be told. */
export interface BindStep {
  /** Path below the source, `''` for the source itself. */
  readonly below: string;
  readonly options: string;
}

/** A user namespace may not take these off a mount that it got from outside (mount_namespaces(7)), so they are repeated. */
const LOCKED = ['nosuid', 'nodev', 'noexec'];

/** Reads `/proc/self/mountinfo` (proc(5)). */
export function parseMountInfo(text: string): readonly MountPoint[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, , , , path = '', options = ''] = line.split(' ');
      return { path: unescapeField(path), options: options.split(',') };
    });
}

/**
 * What binding a path with all that is mounted below it takes. Making it read-only does not reach the mounts below: each is
 * bound once more.
 * @param source absolute, without symbolic links
 */
export function bindSteps(source: string, readonly: boolean, mounts: readonly MountPoint[]): readonly BindStep[] {
  if (!readonly) return [{ below: '', options: 'rbind' }];
  const prefix = source === '/' ? '/' : `${source}/`;
  const inside = mounts.map(({ path }) => path).filter((path) => path.startsWith(prefix) && path !== '/');
  const steps = [source, ...[...new Set(inside)].sort()];
  return steps.map((path) => ({
    below: path === source ? '' : path.slice(prefix.length - 1),
    options: ['rbind', 'ro', ...lockedOptions(path, mounts)].join(','),
  }));
}

function lockedOptions(path: string, mounts: readonly MountPoint[]): readonly string[] {
  const holder = mounts
    .filter((mount) => path === mount.path || path.startsWith(mount.path === '/' ? '/' : `${mount.path}/`))
    // Of several at one place the last covers the others.
    .reduce<MountPoint | undefined>(
      (best, each) => (best && best.path.length > each.path.length ? best : each),
      undefined,
    );
  return LOCKED.filter((option) => holder?.options.includes(option) === true);
}

/** A field of fstab(5), mountinfo's counterpart: blanks, backslashes and what would end a line become octal escapes. */
export function escapeField(text: string): string {
  return text.replace(/[ \t\n\r\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unescapeField(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
