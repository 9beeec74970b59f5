import { joinErrors, StackError, type ErrorCode } from '../core';
import type { Conflict, ConflictCode, ConflictReport, Severity } from './conflict-report';

/** Conflicts of one kind that are told; the report has more. */
const MAX_TOLD = 5;
const MAX_HIDDEN_TOLD = 3;

/** How each kind is told, behind the number of places. */
const KINDS: Readonly<Record<ConflictCode, { readonly error: ErrorCode; readonly text: string }>> = {
  CONTENT_CONFLICT: { error: 'STACK5010', text: 'components have different content' },
  METADATA_CONFLICT: { error: 'STACK5011', text: 'components give a file different owners, modes or attributes' },
  DIRECTORY_METADATA: { error: 'STACK5012', text: 'components give a directory different owners, modes or attributes' },
  DIRECTORY_WEAKENED: {
    error: 'STACK5012',
    text: 'a component lets more into a directory than the one below, or than the base',
  },
  TYPE_CONFLICT: { error: 'STACK5013', text: 'components have different types of files' },
  IMPLICIT_PARENT: {
    error: 'STACK5014',
    text: 'a component has files in a directory that it does not describe, and that is a link in another one',
  },
  PRIVILEGED_FILE: {
    error: 'STACK5015',
    text: 'a file with setuid, setgid or capabilities, or a device, meets a file of another component',
  },
  FILE_OVER_DIRECTORY: {
    error: 'STACK5016',
    text: "a file replaces another component's directory, which is not empty",
  },
  LINK_CHANGED: {
    error: 'STACK5035',
    text: 'a component changes a link of the base that another one has files behind',
  },
  DIVERTED_FILE: { error: 'STACK5039', text: 'a package has a file at a path that another component diverts' },
  FILE_WEAKENED: { error: 'STACK5036', text: 'a component lets more into a file of the base' },
  RUNTIME_REPLACED: {
    error: 'STACK5037',
    text: 'a component replaces the loader or the C library that programs of another one were built for',
  },
  NAME_COLLISION: { error: 'STACK5017', text: 'names differ only in case or in the form of Unicode' },
  MODIFY_DELETE: { error: 'STACK5018', text: 'a component removes a file of the base that another one changes' },
  FOREIGN_WHITEOUT: { error: 'STACK5019', text: 'a whiteout hides files of another component' },
  VACUOUS_WHITEOUT: {
    error: 'STACK5020',
    text: 'a whiteout or opaque mark that hides nothing of its own base hides files of another component',
  },
  PKG_VERSION_CONFLICT: { error: 'STACK5021', text: 'components have different versions of a package' },
  DEP_BROKEN: { error: 'STACK5022', text: 'the packages of the components do not go together' },
  TOO_LARGE_TO_MERGE: { error: 'STACK5023', text: 'a file is too large to be merged' },
  ID_COLLISION: { error: 'STACK5024', text: 'components give one id or one name to different users or groups' },
  MERGE_CONFLICT: { error: 'STACK5025', text: 'components change the same thing in different ways' },
  NOT_MERGEABLE: { error: 'STACK5026', text: 'a file cannot be merged' },
  PKG_STATE: { error: 'STACK5027', text: 'a package database is not in order' },
  NO_COMMON_BASE: { error: 'STACK5034', text: 'components are whole systems that share no base' },
  GLUE_FORBIDDEN: { error: 'STACK5028', text: "only a glue layer could settle what glue: 'forbid' forbids to" },
};

/** Everything of a report that is an error, one for each kind; undefined when there is none. */
export function errorOf(report: ConflictReport): StackError | undefined {
  const errors = report.counts
    .filter(({ severity }) => severity === 'error')
    .map(({ code }) => {
      const [first] = listed(report, code, 'error');
      return new StackError(KINDS[code].error, messageOf(report, code, 'error', '\n'), { hint: first?.fix });
    });
  const [first, ...others] = errors;
  return first === undefined ? undefined : joinErrors([first, ...others]);
}

/** Everything of a report that is a warning, one for each kind. */
export function warningsOf(report: ConflictReport): readonly { readonly id: string; readonly message: string }[] {
  return report.counts
    .filter(({ severity }) => severity === 'warning')
    .map(({ code }) => ({
      id: code.toLowerCase().replaceAll('_', '-'),
      message: messageOf(report, code, 'warning', ' '),
    }));
}

function messageOf(report: ConflictReport, code: ConflictCode, severity: Severity, separator: string): string {
  const count = report.counts.find((each) => each.code === code && each.severity === severity)?.count ?? 0;
  const told = listed(report, code, severity).slice(0, MAX_TOLD);
  const rest = count - told.length;
  const places = count === 1 ? '' : ` at ${String(count)} places`;
  const lines = told.map((conflict) => placeText(conflict)).join(separator === ' ' ? '; ' : separator);
  const more = rest > 0 ? `${separator}and ${String(rest)} more` : '';
  return `${KINDS[code].text}${places}:${separator}${lines}${more}`;
}

function listed({ conflicts }: ConflictReport, code: ConflictCode, severity: Severity): readonly Conflict[] {
  return conflicts.filter((each) => each.code === code && each.severity === severity);
}

/** `/etc/x: 'a' (import /etc) has file 0644 …, 'b' (import /etc) has …`, or what a merger says. */
function placeText({ path, owners, message, files, hidden, hiddenCount }: Conflict): string {
  const who = owners.map(({ component, createdBy, entry }) => `'${component}' (${createdBy}) has ${entry}`).join(', ');
  const what = `${path}: ${message ?? who}`;
  const paths = files ?? hidden;
  if (paths === undefined || paths.length === 0) return what;
  const shown = paths.slice(0, MAX_HIDDEN_TOLD);
  const rest = (hiddenCount ?? paths.length) - shown.length;
  const more = rest > 0 ? ` and ${String(rest)} more` : '';
  return `${what}; ${files === undefined ? 'hidden' : 'files'}: ${shown.join(', ')}${more}`;
}
