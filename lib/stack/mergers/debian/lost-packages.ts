import { unlessMalformed } from '../malformed';
import { displayName, isPresent, parsePackages, type Package } from './package';
import { compareVersions } from './version';

/**
 * What a system would lose if its status file became another one: packages that are gone, and those in an earlier version, such as
 * `openssl 3.0.2 (was 3.0.3)`. A file that is broken has no packages.
 */
export function lostPackages(before: Buffer, after: Buffer): readonly string[] {
  const now = new Map(presentIn(after).map((each) => [displayName(each), each.version]));
  return presentIn(before).flatMap((each): string[] => {
    const name = displayName(each);
    const version = now.get(name);
    if (version === undefined) return [`${name} (was ${each.version})`];
    return compareVersions(version, each.version) < 0 ? [`${name} ${version} (was ${each.version})`] : [];
  });
}

function presentIn(content: Buffer): readonly Package[] {
  return unlessMalformed(
    () => parsePackages(content),
    () => [],
  ).filter(isPresent);
}
