import * as fs from 'node:fs';
import * as path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');

/** Compares a checked-in file with what a table of the code says; `UPDATE_DOCS=1` rewrites it. */
export function expectGenerated(file: string, content: string): void {
  const absolute = path.join(ROOT, file);
  if (process.env['UPDATE_DOCS'] === '1') fs.writeFileSync(absolute, content);
  expect(fs.readFileSync(absolute, 'utf8')).toBe(content);
}

/** The same for the part of a file between `<!-- NAME:start -->` and `<!-- NAME:end -->`. */
export function expectGeneratedSection(file: string, name: string, content: string): void {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const start = `<!-- ${name}:start -->\n`;
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(`<!-- ${name}:end -->`);
  expect(text).toContain(start);
  expect(to).toBeGreaterThanOrEqual(from);
  expectGenerated(file, `${text.slice(0, from)}\n${content}\n${text.slice(to)}`);
}

/** A Markdown table, its columns as wide as prettier would make them. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [titles, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = titles.map((_, at) => Math.max(3, ...cells.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line), ''].join('\n');
}
