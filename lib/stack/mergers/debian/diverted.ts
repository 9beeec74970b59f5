import { bytesToName } from '../../../core';
import { directoriesIn, parentOf, pathIn, type Entry } from '../../../pack';
import type { Files, MergedComponent } from '../merger';
import { parseLines, printableLine } from '../lines';
import { DIVERSIONS, parseDiversions, type Diversion } from './diversions';

const INFO = 'var/lib/dpkg/info';

/** A file that a package of one component has at a path that another component has diverted. */
export interface Diverted {
  /** Without a leading slash, links followed in its parents. */
  readonly path: string;
  /** `dpkg would have put the file of sysvinit at /sbin/halt.real, …`, as a sentence without its full stop. */
  readonly message: string;
  /** Names of the components: that which diverts, and that which has the file. */
  readonly components: readonly string[];
}

/**
 * Finds files that dpkg would have put elsewhere, had it known the diversions of the other components when it installed them
 * (dpkg-divert(1)): those of all packages but the one that diverts.
 * @param stacked what containers see, with merged files
 * @throws StackError STACK5023, STACK7004 of the files it reads
 */
export async function findDiverted(
  components: readonly MergedComponent[],
  stacked: Files,
): Promise<readonly Diverted[]> {
  const merged = await diversionsOf(stacked);
  const found: Diverted[] = [];
  for (const component of components) {
    const own = await diversionsOf(component.files);
    const unknown = new Map([...merged].filter(([from, { to }]) => own.get(from)?.to !== to));
    if (unknown.size === 0) continue;
    for (const { package: name, from } of await filesAt(component.files, new Set(unknown.keys()))) {
      const diversion = unknown.get(from);
      if (diversion === undefined || diversion.by === name) continue;
      const diverter = await diverterOf(diversion, components);
      if (diverter === undefined || (await isAsThere(component.files, diverter.files, diversion))) continue;
      found.push({
        path: placeOf(component.files, from),
        message: `'${diverter.name}' diverts it to ${printableLine(diversion.to)}, where dpkg would have put the file that ${name} has in '${component.name}'`,
        components: [diverter.name, component.name],
      });
    }
  }
  return found;
}

async function diversionsOf(files: Files): Promise<ReadonlyMap<string, Diversion>> {
  const content = await files.read(DIVERSIONS);
  return content === undefined ? new Map() : parseDiversions(content);
}

async function diverterOf(
  { from, to }: Diversion,
  components: readonly MergedComponent[],
): Promise<MergedComponent | undefined> {
  for (const component of components) {
    if ((await diversionsOf(component.files)).get(from)?.to === to) return component;
  }
  return undefined;
}

/** Which packages list some absolute paths. */
async function filesAt(
  files: Files,
  wanted: ReadonlySet<string>,
): Promise<readonly { readonly package: string; readonly from: string }[]> {
  const found: { package: string; from: string }[] = [];
  for (const { path } of files.under(INFO)) {
    const [, name] = /^([^/:]+)(?::[^/]*)?\.list$/.exec(path.slice(INFO.length + 1)) ?? [];
    if (name === undefined) continue;
    const content = await files.read(path);
    for (const line of content === undefined ? [] : parseLines(content)) {
      if (wanted.has(line)) found.push({ package: name, from: line });
    }
  }
  return found;
}

/** Whether one component has at a path what the one that diverts it has there, or moved: nothing new for dpkg to put elsewhere. */
async function isAsThere(files: Files, diverter: Files, { from, to }: Diversion): Promise<boolean> {
  const own = await contentAt(files, from);
  return own === undefined || own === (await contentAt(diverter, from)) || own === (await contentAt(diverter, to));
}

/** Tells apart what packages can have at a path. */
async function contentAt(files: Files, absolute: string): Promise<string | undefined> {
  const place = placeOf(files, absolute);
  const entry: Entry | undefined = files.get(place);
  if (entry === undefined) return undefined;
  if (entry.type === 'symlink') return `link to ${entry.target}`;
  const content = await files.read(place);
  return content === undefined ? entry.type : `file ${content.toString('latin1')}`;
}

/** @param absolute as in dpkg's files, bytes as characters */
function placeOf(files: Files, absolute: string): string {
  const path = bytesToName(Buffer.from(absolute.slice(1), 'latin1'));
  return pathIn(directoriesIn(files)(parentOf(path)), path);
}
