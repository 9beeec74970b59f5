import type { GcResult } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, count, formatBytes, table } from './text';

/** What a collection did in a sentence, before which a dry run lists everything that would go, in bytes. */
export function collectionText(result: GcResult, dryRun: boolean, style: Style): string {
  const { removed, leftoverBytes, bytesRemoved, itemsKept, bytesKept, store } = result;
  const kept = `${count(itemsKept, 'item')} of ${formatBytes(bytesKept)} ${dryRun ? 'would stay' : 'stay'} in ${cleanLine(store)}`;
  if (removed.length === 0 && leftoverBytes === 0) return `nothing to remove: ${kept}\n`;
  const what = `${count(removed.length, 'item')} of ${formatBytes(bytesRemoved)}`;
  const left = leftoverBytes === 0 ? '' : `, with ${formatBytes(leftoverBytes)} that killed processes left`;
  const { bold } = style.colors;
  if (!dryRun) return `${bold(what)} removed${left}; ${kept}\n`;
  return [...itemLines(result, style), `dry run: ${bold(what)} would be removed${left}; ${kept}`, ''].join('\n');
}

function itemLines({ removed, leftoverBytes }: GcResult, style: Style): string[] {
  const rows = removed.map(({ kind, name, bytes, lastUsed }) => [
    kind,
    String(bytes),
    lastUsed.slice(0, 16).replace('T', ' '),
    cleanLine(name),
  ]);
  if (leftoverBytes > 0) rows.push(['leftovers', String(leftoverBytes), '', '']);
  const [title = '', ...lines] = table([['kind', 'bytes', 'last used (UTC)', 'name'], ...rows], [1]);
  return [style.colors.dim(title), ...lines, ''];
}
