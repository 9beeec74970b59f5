import { execFileSync } from 'node:child_process';
import * as path from 'node:path';

let directory: string | undefined;

/** The directory of the programs that build.js builds. @throws Error when it cannot */
export function peers(): string {
  directory ??= execFileSync(process.execPath, [path.join(__dirname, 'build.js')], { encoding: 'utf8' }).trim();
  return directory;
}

/** One of them. */
export function peer(name: string): string {
  return path.join(peers(), name);
}
