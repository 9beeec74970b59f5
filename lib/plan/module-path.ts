import * as path from 'node:path';

/** Whether a path is relative and stays in the directory where it starts: code of a plan is taken from the app alone. */
export function isInnerPath(file: string): boolean {
  const normal = path.posix.normalize(file);
  return (
    file !== '' && !file.includes('\0') && !path.posix.isAbsolute(file) && normal !== '..' && !normal.startsWith('../')
  );
}
