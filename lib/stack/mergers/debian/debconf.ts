import { printableLine } from '../lines';
import type { Merger } from '../merger';
import { Malformed } from '../malformed';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import { mergeRecords } from '../records';
import { parseParagraphs } from './paragraphs';

/** What kinds of things debconf says of an item, in the order in which it writes them. */
type PartKind = 'field' | 'owner' | 'flag' | 'variable';

/** One thing that debconf says of a question or template. */
interface Part {
  readonly kind: PartKind;
  /** Of a field in lower case. */
  readonly name: string;
  /** `''` for owners and flags, which are there or not. */
  readonly value: string;
}

/** A question, template or password. */
interface Item {
  readonly name: string;
  /** Its lines as they were, or as debconf would write them. */
  readonly text: string;
  readonly parts: ReadonlyMap<string, Part>;
}

const FORMAT: RecordFormat<Item> = {
  parse(content) {
    const paragraphs = parseParagraphs(content);
    const items = new Map<string, Item>();
    for (const lines of paragraphs) {
      const item = parseItem(lines);
      if (items.has(item.name)) throw new Malformed(`has ${printableLine(item.name)} twice`);
      items.set(item.name, item);
    }
    return items;
  },
  format(items) {
    const sorted = [...items.values()].sort((a, b) => compare(a.name, b.name));
    return Buffer.from(sorted.map(({ text }) => `${text}\n`).join(''), 'latin1');
  },
  isSame: (a, b) => a.text === b.text,
  settle({ key, base, changes }) {
    const old = base?.parts ?? new Map<string, Part>();
    // Who removes an item takes its owner away: the last one's removal is the end of it, and of its value.
    const withoutOwners = new Map([...old].filter(([, { kind }]) => kind !== 'owner'));
    const sides = changes.map(({ component, record }) => ({ component, records: record?.parts ?? withoutOwners }));
    const { records, conflicts } = mergeRecords(old, sides, { isSame: (a, b) => a.value === b.value });
    if (conflicts.length > 0) return undefined;
    const isOwned = [...records.values()].some(({ kind }) => kind === 'owner');
    const isRemoved = !isOwned && changes.some(({ record }) => record === undefined);
    return { record: isRemoved ? undefined : { name: key, text: formatItem(key, records.values()), parts: records } };
  },
  nameOf: ({ key }) => `the debconf record of ${printableLine(key)}`,
};

/** debconf's questions, templates and passwords: by name; owners, flags and variables of one are united. */
export const debconf: Merger = {
  name: 'debconf',
  version: 1,
  paths: ['config', 'templates', 'passwords'].map((name) => `/var/cache/debconf/${name}.dat`),
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, FORMAT)),
};

function parseItem(lines: readonly string[]): Item {
  const parts = new Map<string, Part>();
  let name: string | undefined;
  let isInVariables = false;
  const add = (kind: PartKind, part: string, value: string): void => {
    parts.set(`${kind} ${part}`, { kind, name: part, value });
  };
  for (const line of lines) {
    if (isInVariables && /^\s/.test(line)) {
      const [variable, value] = splitAt(line.trimStart(), '=');
      add('variable', variable.trimEnd(), value);
      continue;
    }
    isInVariables = false;
    const [label, value] = splitAt(line, ':');
    const key = label.toLowerCase();
    if (!/^[!-9;-~]+$/.test(key) || !line.includes(':'))
      throw new Malformed(`has a line that says nothing: ${key.slice(0, 40)}`);
    if (key === 'name') name = value;
    else if (key === 'variables') isInVariables = true;
    else if (key === 'owners' || key === 'flags')
      for (const each of value.split(/,\s+/)) add(key === 'owners' ? 'owner' : 'flag', each, '');
    else add('field', key, value);
  }
  if (name === undefined) throw new Malformed('has a record without a name');
  return { name, text: lines.map((line) => `${line}\n`).join(''), parts };
}

/** An item as debconf writes it. */
function formatItem(name: string, parts: Iterable<Part>): string {
  const sorted = [...parts].sort((a, b) => compare(a.name, b.name));
  const of = (wanted: PartKind): Part[] => sorted.filter(({ kind }) => kind === wanted);
  const names = (wanted: PartKind): string =>
    of(wanted)
      .map((part) => part.name)
      .join(', ');
  return [
    `Name: ${name}`,
    ...of('field').map((part) => `${part.name.charAt(0).toUpperCase()}${part.name.slice(1)}: ${part.value}`),
    ...(names('owner') === '' ? [] : [`Owners: ${names('owner')}`]),
    ...(names('flag') === '' ? [] : [`Flags: ${names('flag')}`]),
    ...(of('variable').length === 0 ? [] : ['Variables:']),
    ...of('variable').map((part) => ` ${part.name} = ${part.value}`),
    '',
  ].join('\n');
}

/** What is before and behind a separator, and one blank after it. */
function splitAt(line: string, separator: string): [before: string, behind: string] {
  const at = line.indexOf(separator);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).replace(/^\s/, '')];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
