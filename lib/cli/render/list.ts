import type { ImageRow } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, table } from './text';

/** The images of an app as a table; a column that would tell nothing is left out. */
export function listText(rows: readonly ImageRow[], style: Style, verbose: boolean): string {
  if (rows.length === 0) return '';
  const columns = [
    { title: 'image', cell: (row: ImageRow): string => row.path },
    { title: 'name', cell: (row: ImageRow): string => row.name, shown: rows.some((row) => row.name !== row.path) },
    { title: 'type', cell: (row: ImageRow): string => row.type },
    { title: 'formats', cell: (row: ImageRow): string => (row.buildOnly ? 'build only' : row.formats.join(', ')) },
    { title: 'uses', cell: (row: ImageRow): string => row.dependencies.join(', ') },
    { title: 'source', cell: (row: ImageRow): string => row.source ?? '', shown: verbose },
  ].filter((column) => column.shown !== false);
  const cells = rows.map((row) => columns.map((column) => cleanLine(column.cell(row))));
  const [title = '', ...lines] = table([columns.map((column) => column.title), ...cells]);
  return `${[style.colors.dim(title), ...lines].join('\n')}\n`;
}
