import { shortDigest } from '../../oci';
import type { UpdatedEntry } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, table } from './text';

/** What every entry of the lock file stood for and stands for now, and a sentence. */
export function updateText(entries: readonly UpdatedEntry[], dryRun: boolean, style: Style): string {
  if (entries.length === 0) return 'nothing to update: the app uses no tag, URL or Debian package that can change\n';
  const changed = entries.filter(({ was, now }) => was !== now);
  const lines = table(entries.flatMap(rowsOf)).map((line) =>
    line.endsWith('unchanged') ? style.colors.dim(line) : line,
  );
  const numbers = `${String(changed.length)} of ${String(entries.length)} locked references`;
  return [...lines, '', `${dryRun ? 'dry run: ' : ''}${numbers} ${dryRun ? 'would change' : 'changed'}`, ''].join('\n');
}

function rowsOf(entry: UpdatedEntry): readonly string[][] {
  const { kind, reference, was, now } = entry;
  if (was === now) return [[cleanLine(reference), 'unchanged']];
  if (kind === 'debian') return [[cleanLine(reference)], ...packageRows(entry)];
  const short = (text: string): string => (kind === 'url' ? text.slice(0, 12) : shortDigest(text));
  return [[cleanLine(reference), `${was === undefined ? 'new' : short(was)} -> ${short(now)}`]];
}

/** Only the packages that changed. */
function packageRows({ was = '', now }: UpdatedEntry): readonly string[][] {
  const [before, after] = [versionsIn(was), versionsIn(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => [`  ${name}`, `${before.get(name) ?? 'new'} -> ${after.get(name) ?? 'gone'}`]);
}

/** `name=version name=version`, as versions by name. */
function versionsIn(packages: string): ReadonlyMap<string, string> {
  const pairs = packages.split(' ').filter((each) => each !== '');
  return new Map(pairs.map((each) => [each.replace(/=.*/, ''), each.replace(/^[^=]*=/, '')]));
}
