import { fault, parsed, type Parsed } from '../parsed';

/** A paragraph of a control file (deb822(5)). */
export interface Stanza {
  /** Its lines as they were, each with its line end. */
  readonly text: string;
  /** By their names in lower case, in their order. */
  readonly fields: ReadonlyMap<string, Field>;
}

/** A field of a stanza. */
export interface Field {
  /** In lower case. */
  readonly name: string;
  /** Its lines as they were, each with its line end. */
  readonly text: string;
  /** What follows the colon, without blanks around it; further lines are still indented. */
  readonly value: string;
}

/** What no real file has; more is refused, as it would take too long. */
const MAX_STANZAS = 200_000;
const MAX_FIELDS = 500;
const MAX_LINES = 5_000_000;

/**
 * Reads a control file.
 * @param content of which bytes become characters one by one, so that any come back from {@link formatStanzas}
 */
export function parseStanzas(content: Buffer): Parsed<Stanza[]> {
  const text = content.toString('latin1');
  const stanzas: Stanza[] = [];
  let lines: string[] = [];
  let count = 0;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const line = end < 0 ? `${text.slice(start)}\n` : text.slice(start, end + 1);
    start = end < 0 ? text.length : end + 1;
    count += 1;
    if (count > MAX_LINES) return fault(`has more than ${String(MAX_LINES)} lines`);
    const isLast = start >= text.length;
    if (line !== '\n') lines.push(line);
    if ((line !== '\n' && !isLast) || lines.length === 0) continue;
    const stanza = parseStanza(lines, count);
    if (!stanza.ok) return stanza;
    lines = [];
    stanzas.push(stanza.value);
    if (stanzas.length > MAX_STANZAS) return fault(`has more than ${String(MAX_STANZAS)} stanzas`);
  }
  return parsed(stanzas);
}

/** A control file of stanzas, each followed by an empty line, as dpkg, apt and debconf write them. */
export function formatStanzas(stanzas: readonly Stanza[]): Buffer {
  return Buffer.from(stanzas.map(({ text }) => `${text}\n`).join(''), 'latin1');
}

/** A stanza of fields. */
export function stanzaOf(fields: readonly Field[]): Stanza {
  return {
    text: fields.map(({ text }) => text).join(''),
    fields: new Map(fields.map((field) => [field.name, field])),
  };
}

/** The value of a field; `''` where there is none. */
export function valueOf(stanza: Stanza, name: string): string {
  return stanza.fields.get(name)?.value ?? '';
}

/** Whether two are the same to the last byte. */
export function isSameStanza(a: Stanza, b: Stanza): boolean {
  return a.text === b.text;
}

/** @param count of the lines read so far, to tell where something is wrong */
function parseStanza(lines: readonly string[], count: number): Parsed<Stanza> {
  const fields: { name: string; lines: string[] }[] = [];
  for (const line of lines) {
    const last = fields.at(-1);
    if (/^[ \t]/.test(line)) {
      if (last === undefined) return fault(`has a continued line without a field before line ${String(count)}`);
      last.lines.push(line);
      continue;
    }
    const name = /^(?![#-])[!-9;-~]+(?=:)/.exec(line)?.[0];
    if (name === undefined) return fault(`has a line without a field before line ${String(count)}`);
    fields.push({ name: name.toLowerCase(), lines: [line] });
    if (fields.length > MAX_FIELDS) return fault(`has a stanza of more than ${String(MAX_FIELDS)} fields`);
  }
  const stanza = stanzaOf(
    fields.map((field) => {
      const text = field.lines.join('');
      return { name: field.name, text, value: text.slice(field.name.length + 1).trim() };
    }),
  );
  if (stanza.fields.size < fields.length) return fault(`has a field twice before line ${String(count)}`);
  return parsed(stanza);
}
