import { Malformed } from '../malformed';

/** What no real file has; more is refused, as it would take too long. */
const MAX_PARAGRAPHS = 200_000;
const MAX_LINES = 5_000_000;
const MAX_PARAGRAPH_LINES = 100_000;

/**
 * The paragraphs of a text, which empty lines separate: lines without their ends.
 * @param content of which bytes become characters one by one (latin1), so that any can be written again
 * @throws Malformed
 */
export function parseParagraphs(content: Buffer): readonly (readonly string[])[] {
  const paragraphs: string[][] = [];
  let lines: string[] = [];
  const text = content.toString('latin1');
  let count = 0;
  for (let start = 0; start < text.length;) {
    const next = text.indexOf('\n', start);
    const end = next < 0 ? text.length : next;
    count += 1;
    if (count > MAX_LINES) throw new Malformed(`has more than ${String(MAX_LINES)} lines`);
    if (end === start) lines = [];
    else if (lines.push(text.slice(start, end)) === 1) paragraphs.push(lines);
    if (lines.length > MAX_PARAGRAPH_LINES)
      throw new Malformed(`has more than ${String(MAX_PARAGRAPH_LINES)} lines in a row`);
    if (paragraphs.length > MAX_PARAGRAPHS) throw new Malformed(`has more than ${String(MAX_PARAGRAPHS)} records`);
    start = end + 1;
  }
  return paragraphs;
}
