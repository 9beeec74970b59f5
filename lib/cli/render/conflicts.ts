import type { Conflict, ConflictReport, ExplainResult, ProvidedPaths, Severity } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, count, table } from './text';

/** Everything a report has: a block for each conflict, what is settled, and how many there are. */
export function conflictsText({ conflicts, counts, settled, settledCount }: ConflictReport, style: Style): string {
  if (counts.length === 0 && settledCount === 0) return 'no conflicts\n';
  const blocks = conflicts.map((conflict) => [...conflictLines(conflict, style), ''].join('\n'));
  const rows = settled.map(({ path, by, components }) => [path, by, components.join(', ')].map(cleanLine));
  const more = settledCount - settled.length;
  const glue = [
    ...(settledCount > 0 ? [`settled by a glue layer: ${count(settledCount, 'path')}`] : []),
    ...table(rows).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${count(more, 'more path')}`] : []),
  ];
  const totals = counts.map(({ code, severity, count: number }) => `${severity} ${code}: ${String(number)}`);
  return [...blocks, ...glue, ...totals].map((part) => `${part}\n`).join('');
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

/** The paths that a glob matches, each with who provides it. */
export function providedPathsText({ pattern, paths, count: total }: ProvidedPaths, { colors }: Style): string {
  const title = colors.bold(cleanLine(pattern));
  if (total === 0) return `${title}\n  no layer has anything there\n`;
  const rows = paths.map(({ path, components, createdBy, entry }) =>
    [path, components.join(', '), createdBy, entry].map(cleanLine),
  );
  const more = total - paths.length;
  const rest = more > 0 ? [`  and ${count(more, 'more path')}: name a part of them`] : [];
  return [title, ...table(rows).map((line) => `  ${line}`), ...rest].map((line) => `${line}\n`).join('');
}

function conflictLines(conflict: Conflict, style: Style): string[] {
  const { bold, cyan } = style.colors;
  const { code, severity, path, owners, message, files, hidden, hiddenCount = 0, fix } = conflict;
  const rows = owners.map(({ component, createdBy, entry }) => [component, createdBy, entry].map(cleanLine));
  const more = hiddenCount - (hidden?.length ?? 0);
  return [
    `${paint(severity, style)} ${code} ${bold(cleanLine(path))}`,
    ...(message === undefined ? [] : [`  ${cleanLine(message)}`]),
    ...table(rows).map((line) => `  ${line}`),
    ...(files ?? []).map((each) => `  file: ${cleanLine(each)}`),
    ...(hidden ?? []).map((each) => `  hidden: ${cleanLine(each)}`),
    ...(more > 0 ? [`  and ${count(more, 'more path')}`] : []),
    `  ${cyan('fix:')} ${cleanLine(fix)}`,
  ];
}

function paint(severity: Severity, { colors }: Style): string {
  if (severity === 'info') return colors.dim(severity);
  return severity === 'error' ? colors.red(severity) : colors.yellow(severity);
}
