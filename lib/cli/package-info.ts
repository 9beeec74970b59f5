import * as fs from 'node:fs';
import * as path from 'node:path';

/** What the command tells about its own package. */
export interface PackageInfo {
  readonly version: string;
  /** Where to report faults. */
  readonly issues: string;
}

/** Reads this package's package.json. */
export function packageInfo(): PackageInfo {
  const text = fs.readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8');
  const { version, bugs } = JSON.parse(text) as { version: string; bugs?: { url?: string } };
  return { version, issues: bugs?.url ?? 'the maintainers of cdk-stack' };
}
