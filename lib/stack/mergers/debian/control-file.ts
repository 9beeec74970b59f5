import { Malformed, unlessMalformed } from '../malformed';
import { parseParagraphs } from './paragraphs';

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

/** Fields of a stanza; no real one has so many. */
const MAX_FIELDS = 500;

/**
 * Reads a control file.
 * @param content of which bytes become characters one by one, so that any come back from {@link formatStanzas}
 * @throws Malformed
 */
export function parseStanzas(content: Buffer): Stanza[] {
  return parseParagraphs(content).map((lines, at) =>
    unlessMalformed(
      () => parseStanza(lines),
      (why) => {
        throw new Malformed(`${why} in its stanza ${String(at + 1)}`);
      },
    ),
  );
}

/** A control file of stanzas, each followed by an empty line, as dpkg and apt write them. */
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

function parseStanza(lines: readonly string[]): Stanza {
  const fields: { name: string; lines: string[] }[] = [];
  for (const line of lines) {
    const last = fields.at(-1);
    if (/^[ \t]/.test(line)) {
      if (last === undefined) throw new Malformed('has a continued line without a field');
      last.lines.push(`${line}\n`);
      continue;
    }
    const name = /^(?![#-])[!-9;-~]+(?=:)/.exec(line)?.[0];
    if (name === undefined) throw new Malformed('has a line without a field');
    fields.push({ name: name.toLowerCase(), lines: [`${line}\n`] });
    if (fields.length > MAX_FIELDS) throw new Malformed(`has more than ${String(MAX_FIELDS)} fields`);
  }
  const stanza = stanzaOf(
    fields.map((field) => {
      const text = field.lines.join('');
      return { name: field.name, text, value: text.slice(field.name.length + 1).trim() };
    }),
  );
  if (stanza.fields.size < fields.length) throw new Malformed('has a field twice');
  return stanza;
}
