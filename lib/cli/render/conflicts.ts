import type { Conflict, ConflictReport, ExplainResult, Severity } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, count, table } from './text';

/** Everything a report has, a block each, and how many there are. */
export function conflictsText({ conflicts, counts }: ConflictReport, style: Style): string {
  if (counts.length === 0) return 'no conflicts\n';
  const blocks = conflicts.map((conflict) => [...conflictLines(conflict, style), ''].join('\n'));
  const totals = counts.map(({ code, severity, count: number }) => `${severity} ${code}: ${String(number)}`);
  return `${blocks.join('\n')}\n${totals.map((total) => `${total}\n`).join('')}`;
}

/** Who has a path, bottom to top, and its conflicts. */
export function explanationText(result: ExplainResult, style: Style): string {
  const { bold, dim } = style.colors;
  const { path, resolved, providers, conflicts } = result;
  const title = bold(cleanLine(resolved === path ? path : `${path} is ${resolved}`));
  if (providers.length === 0) return `${title}\n  no layer has it\n`;
  const rows = providers.map(({ components, createdBy, entry, visible }) => [
    visible ? '*' : '',
    ...[components.join(', '), createdBy, entry].map(cleanLine),
  ]);
  const lines = table(rows).map((line, at) => (providers[at]?.visible === true ? `  ${line}` : dim(`  ${line}`)));
  const blocks = conflicts.map((conflict) => ['', ...conflictLines(conflict, style)].join('\n'));
  return `${[title, ...lines, ...blocks].join('\n')}\n`;
}

function conflictLines(conflict: Conflict, style: Style): string[] {
  const { bold, cyan } = style.colors;
  const { code, severity, path, owners, hidden, hiddenCount = 0, fix } = conflict;
  const rows = owners.map(({ component, createdBy, entry }) => [component, createdBy, entry].map(cleanLine));
  const more = hiddenCount - (hidden?.length ?? 0);
  return [
    `${paint(severity, style)} ${code} ${bold(cleanLine(path))}`,
    ...table(rows).map((line) => `  ${line}`),
    ...(hidden ?? []).map((each) => `  hidden: ${cleanLine(each)}`),
    ...(more > 0 ? [`  and ${count(more, 'more path')}`] : []),
    `  ${cyan('fix:')} ${cleanLine(fix)}`,
  ];
}

function paint(severity: Severity, { colors }: Style): string {
  if (severity === 'info') return colors.dim(severity);
  return severity === 'error' ? colors.red(severity) : colors.yellow(severity);
}
