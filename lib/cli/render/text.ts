import { stripVTControlCharacters } from 'node:util';
import { redactCredentials } from '../../core';

/** Controls, and the marks that turn the direction of writing, by which a text could show something else than it is. */
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{Mn}|\p{Me}|\u200d/u;

/** Text from outside without anything that could act on a terminal, and without credentials in URLs; line breaks stay. */
export function clean(text: string): string {
  return redactCredentials(stripVTControlCharacters(text).replaceAll('\t', '  ').replace(CONTROLS, ''));
}

/** {@link clean}, on one line. */
export function cleanLine(text: string): string {
  return clean(text.replace(/\s*[\r\n]+\s*/g, ' '));
}

/** Columns a text takes on a terminal; color sequences take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Shortens a text without color sequences to `width` columns. */
export function shorten(text: string, width: number, ellipsis: string): string {
  if (widthOf(text) <= width) return text;
  const room = width - widthOf(ellipsis);
  let used = 0;
  let kept = '';
  for (const character of text) {
    used += columnsOf(character);
    if (used > room) break;
    kept += character;
  }
  return room > 0 ? kept + ellipsis : '';
}

/** Fills up with spaces to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Rows as columns two spaces apart; the last column is not filled up. `right` names the columns of numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))));
  return rows.map((row) =>
    row
      .map((cell, at) => {
        const fill = ' '.repeat((widths[at] ?? 0) - widthOf(cell));
        return right.includes(at) ? fill + cell : cell + fill;
      })
      .join('  ')
      .trimEnd(),
  );
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** Bytes as people read them, in powers of 1000: `512 B`, `71.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${String(bytes)} B`;
  let value = bytes;
  let unit = '';
  for (const next of UNITS) {
    if (value < 999.95 && unit !== '') break;
    value /= 1000;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** A duration as people read it: `0.3 s`, `1 min 12 s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${String(Math.floor(whole / 60))} min ${String(whole % 60)} s`;
}

/** `1 image`, `3 images`. */
export function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}
