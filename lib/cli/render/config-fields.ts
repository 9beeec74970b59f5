import type { ConfigField } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, table } from './text';

/** Every field of an image's config with who set it. */
export function configFieldsText(image: string, fields: readonly ConfigField[], style: Style): string {
  const { bold, dim } = style.colors;
  const rows = fields.map(({ field, value, from }) => [field, valueText(value), from.join(', ')].map(cleanLine));
  const lines = table(rows).map((line, at) => (fields[at]?.value === undefined ? dim(`  ${line}`) : `  ${line}`));
  const title = bold(cleanLine(image));
  return `${[title, ...(lines.length === 0 ? ['  no config'] : lines)].join('\n')}\n`;
}

/** A port or a volume has nothing but its name. */
function valueText(value: unknown): string {
  if (value === undefined) return '(left out)';
  if (typeof value === 'string') return value;
  const json = JSON.stringify(value);
  return json === '{}' ? '' : json;
}
