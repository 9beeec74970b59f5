import { formatLines, parseLines, printableLine } from './lines';
import { Malformed } from './malformed';
import type { Merger } from './merger';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from './record-file';
import type { Records } from './records';

/** An entry of a section, which may go on in lines that are indented; the text above all sections; or an empty section. */
interface InfoEntry {
  /** Undefined for that text. */
  readonly section: string | undefined;
  readonly text: string;
}

const HEAD = '';
/** Stands for the entries of a section that has none: the menu begins with one before anything is installed. */
const EMPTY = '';

/**
 * The menu of all manuals for info(1): entries `* NAME: (FILE)NODE.` in sections with a title. install-info(1) sorts both,
 * and tells no capital from a small letter.
 */
const FORMAT: RecordFormat<InfoEntry> = {
  parse(content) {
    const lines = parseLines(content);
    if (lines.length === 0) return new Map(); // as Debian's base has it
    const start = lines.findIndex((line) => /^\* menu:/i.test(line)); // as install-info finds it
    if (start < 0) throw new Malformed('has no menu');
    const head: InfoEntry = { section: undefined, text: lines.slice(0, start + 1).join('\n') };
    const entries = new Map<string, InfoEntry>([[HEAD, head]]);
    let section: string | undefined;
    let last: string | undefined;
    for (const line of lines.slice(start + 1)) {
      const entry = last === undefined ? undefined : entries.get(last);
      if (line === '') {
        if (section !== undefined && last === undefined) entries.set(section, { section, text: EMPTY });
        section = last = undefined;
      } else if (section === undefined) {
        section = line;
      } else if (line.startsWith('* ')) {
        last = keyOf(section, line);
        if (entries.has(last)) throw new Malformed(`has an entry twice: ${printableLine(line)}`);
        entries.set(last, { section, text: line });
      } else if (last !== undefined && entry !== undefined && /^\s/.test(line)) {
        entries.set(last, { section, text: `${entry.text}\n${line}` });
      } else {
        throw new Malformed(`has a line that is no entry: ${printableLine(line)}`);
      }
    }
    if (!formatLines(sortedLines(entries)).equals(formatLines(lines)))
      throw new Malformed('is not sorted as by install-info');
    return entries;
  },
  format: (entries) => formatLines(sortedLines(entries)),
  isSame: (a, b) => a.text === b.text,
  nameOf: ({ key }) =>
    key === HEAD ? 'the text above the menu' : `the entry ${printableLine(key.split('\n')[1] ?? '')}`,
};

function keyOf(section: string, line: string): string {
  return `${section}\n${/^\* [^:]*:[^)]*\)?[^.]*/.exec(line)?.[0] ?? line}`;
}

function sortedLines(entries: Records<InfoEntry>): readonly string[] {
  const sections = new Map<string, string[]>();
  for (const { section, text } of entries.values()) {
    if (section !== undefined) sections.set(section, [...(sections.get(section) ?? []), text]);
  }
  const inOrder = [...sections].sort(([a], [b]) => compare(a, b));
  return [
    ...(entries.get(HEAD)?.text.split('\n') ?? []),
    ...inOrder.flatMap(([title, texts]) => {
      const own = texts.filter((text) => text !== EMPTY);
      return ['', title, ...(own.length === 0 ? [EMPTY] : own.sort(compare)).flatMap((text) => text.split('\n'))];
    }),
  ];
}

/** Bytes as latin1; only letters of ASCII have a counterpart. */
function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((each) => each.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()));
  return left === undefined || right === undefined || left === right ? 0 : left < right ? -1 : 1;
}

/** The menu of info's manuals: by section and entry. */
export const infoDirectory: Merger = {
  name: 'info-directory',
  version: 2,
  paths: ['/usr/share/info/dir'],
  merge: (request) => mergeEachPath(request, (path) => mergeRecordFile(request, path, FORMAT)),
};
