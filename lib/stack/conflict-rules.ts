import picomatch from 'picomatch';
import type { ConflictsPlan } from '../plan';
import type { ConflictCode, Severity } from './conflict-report';

/** Another number forgets the outcome of all checks: what is found has changed. */
export const CONFLICT_RULES = 1;

/** Files that every system makes anew: whoever comes last may have them. */
const NOBODY_CARES = [
  '/{run,var/run,tmp,var/tmp,var/log,var/cache,var/backups}/**/*',
  '/var/lib/apt/lists/**/*',
  '/var/lib/dpkg/{lock,lock-frontend,triggers/Lock,*-old}',
  '/etc/.pwd.lock',
  '/etc/{passwd,group,shadow,gshadow,subuid,subgid}-',
];
/** What may be left to whoever comes last without anybody having said so. */
const HARMLESS: ReadonlySet<ConflictCode> = new Set([
  'CONTENT_CONFLICT',
  'METADATA_CONFLICT',
  'DIRECTORY_METADATA',
  'MODIFY_DELETE',
  'FOREIGN_WHITEOUT',
  'VACUOUS_WHITEOUT',
]);
/** Runtimes disagree on what comes of these, so nobody can want them. */
const ALWAYS: ReadonlySet<ConflictCode> = new Set(['TYPE_CONFLICT', 'IMPLICIT_PARENT']);

const SEVERITY: { readonly [P in NonNullable<ConflictsPlan['default']>]: Severity } = {
  error: 'error',
  warn: 'warning',
  'last-wins': 'info',
};

/** Tells how severe a conflict is at a path. */
export type Judge = (code: ConflictCode, path: string) => Severity;

/** A judge by the rules of a combination and the defaults of stacking.md §3. */
export function judgeBy(rules: ConflictsPlan): Judge {
  const options = { dot: true, nonegate: true };
  const matchers = (rules.rules ?? []).map(({ match, policy }) => ({ matches: picomatch(match, options), policy }));
  matchers.reverse();
  const isNobodys = picomatch(NOBODY_CARES, options);
  return (code, path) => {
    if (ALWAYS.has(code)) return 'error';
    if (code === 'NAME_COLLISION') return rules.portable === true ? 'error' : 'info';
    const rule = matchers.find(({ matches }) => matches(path));
    if (rule !== undefined) return SEVERITY[rule.policy];
    if (HARMLESS.has(code) && isNobodys(path)) return 'info';
    if (code === 'VACUOUS_WHITEOUT') return 'error';
    if (code === 'FOREIGN_WHITEOUT') return rules.whiteouts === 'allow' ? 'warning' : 'error';
    if (code === 'DIRECTORY_METADATA') return rules.default === 'last-wins' ? 'info' : 'warning';
    return SEVERITY[rules.default ?? 'error'];
  };
}

const FIXES: Readonly<Partial<Record<ConflictCode, string>>> = {
  TYPE_CONFLICT:
    'build the components so that they have the same type of file there; runtimes disagree on what comes of two types',
  IMPLICIT_PARENT: 'build the upper component on the same base, or put its files where the link leads',
  NAME_COLLISION: 'rename one of them, or leave out portable',
  VACUOUS_WHITEOUT:
    'build that component anew with cdk-stack, which makes no such marks, or put it below the other one',
  FOREIGN_WHITEOUT:
    "put the component that removes below the other one, or set conflicts: { whiteouts: 'allow' } on the combined image",
};

/** What to do about a conflict. */
export function fixOf(code: ConflictCode, path: string): string {
  const rule = `{ match: '${path}', policy: 'last-wins' }`;
  return FIXES[code] ?? `to take what is on top, set conflicts: { rules: [${rule}] } on the combined image`;
}
