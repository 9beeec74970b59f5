import { LIMITS, nameOfUrl, SCRIPT_IMPORTS, shownSource, type FileRef, type ImportPlan } from '../../plan';
import type { Import } from '../layer-props';
import { LayerFile } from '../reference';
import { integer, isObject, listOf, membersOf, nonEmptyText, objectOf, show, wrong, type Check } from './checks';
import { sha256Hex } from './digest-text';
import type { Reporter } from './problems';
import { fileRef, type Rendering } from './rendering';

const MEMBERS = [
  'source',
  'dest',
  'sha256',
  'mode',
  'uid',
  'gid',
  'exclude',
] as const satisfies readonly (keyof Import)[];

/** Modes people write in decimal, forgetting 0o. As numbers they have the sticky bit and nonsense below it, so nobody means them. */
const DECIMAL_MODES = new Set<unknown>([600, 640, 644, 660, 664, 666, 700, 711, 750, 755, 770, 775, 777]);

/** The plan of one import. A source alone is one, too. */
export function renderImport(rendering: Rendering, what: string, value: unknown): ImportPlan | undefined {
  const { report } = rendering;
  if (typeof value === 'string' || LayerFile.isLayerFile(value)) {
    const source = fileRef(rendering, what, value, 'any');
    const dest = source && scriptDest(report, what, source);
    return source && dest ? { source, dest } : undefined;
  }
  if (!isObject(value)) return wrong(report, what, value, "a path, or an object such as { source: 'a', dest: '/b' }");
  const given: Partial<Import> = objectOf(...MEMBERS)(report, what, value) ?? {};
  const read = membersOf<keyof Import>(report, `${what}.`, given);
  const source = fileRef(rendering, `${what}.source`, given.source, 'any');
  const dest =
    given.dest === undefined
      ? source && scriptDest(report, `${what}.source`, source)
      : destination(report, `${what}.dest`, given.dest);
  const rest = {
    sha256: read('sha256', sha256Hex),
    mode: read('mode', mode),
    uid: read('uid', integer(LIMITS.id)),
    gid: read('gid', integer(LIMITS.id)),
    exclude: read('exclude', listOf(nonEmptyText)),
  };
  if (source === undefined || dest === undefined) return undefined;
  if (dest.endsWith('/') && isNameless(source)) {
    report(
      'STACK2008',
      `${what}.source is a URL without a file name, so "dest" must have one`,
      `write ${show(`${dest}NAME`)}`,
    );
  }
  return { source, dest, ...rest };
}

function isNameless(source: FileRef): boolean {
  return source.type === 'url' && nameOfUrl(source.url) === undefined;
}

/** Where a script finds what has no place in the image. */
function scriptDest(report: Reporter, what: string, source: FileRef): string | undefined {
  const name = nameOf(source);
  if (name !== undefined) return `${SCRIPT_IMPORTS}/${name}`;
  const hint = `give a dest, such as '${SCRIPT_IMPORTS}/NAME'`;
  return wrong(report, what, shownSource(source), 'a source whose last part is a name', hint);
}

/** The last part of a source's path. */
function nameOf(source: FileRef): string | undefined {
  if (source.type === 'url') return nameOfUrl(source.url);
  const name = source.path.split('/').findLast((part) => part !== '') ?? '';
  return /^\.{0,2}$/.test(name) ? undefined : name;
}

const destination: Check<string> = (report, what, value) => {
  const isAbsolute = typeof value === 'string' && value.startsWith('/') && !value.includes('\0');
  if (isAbsolute && !value.split('/').includes('..')) return value;
  const hint =
    typeof value === 'string' && value !== '' && !isAbsolute ? `did you mean ${show(`/${value}`)}?` : undefined;
  report('STACK2008', `${what} is ${show(value)}; it must be an absolute path in the image, without ".."`, hint);
  return undefined;
};

const mode: Check<number> = (report, what, value) => {
  const decimal = DECIMAL_MODES.has(value) ? String(value) : undefined;
  if (decimal === undefined) return integer(LIMITS.mode, 'write it in octal, such as 0o755')(report, what, value);
  return wrong(
    report,
    what,
    value,
    'permission bits',
    `did you mean 0o${decimal}? JavaScript reads ${decimal} as a decimal number`,
  );
};
