import picomatch from 'picomatch';
import type { ConflictsPlan } from '../plan';
import type { ConflictCode, Severity } from './conflict-report';

/** Another number forgets the outcome of all checks: what is found has changed. */
export const CONFLICT_RULES = 8;

/** Files that every system makes anew, or can do without (FHS 5.5): whoever comes last may have them. */
const NOBODY_CARES = [
  '/{run,var/run,tmp,var/tmp,var/log,var/cache,var/backups}/**/*',
  '/var/lib/apt/lists/**/*', // `apt-get update` brings them
  '/var/lib/dpkg/{lock,lock-frontend,triggers/Lock,*-old}',
  '/etc/.pwd.lock',
  '/etc/{passwd,group,shadow,gshadow,subuid,subgid}-',
  '/var/lib/ucf/{hashfile,registry}.[0-9]',
  '/{etc/xml,etc/sgml,var/lib/sgml-base}/*.old',
  '/usr/share/info/dir.old',
];
/** Copies that tools keep of files which everybody may read: it opens nothing when everybody may read these, too. */
const PUBLIC_COPIES = ['/etc/{passwd,group,subuid,subgid}-'];
/** What may be left to whoever comes last without anybody having said so. */
const HARMLESS: ReadonlySet<ConflictCode> = new Set([
  'CONTENT_CONFLICT',
  'METADATA_CONFLICT',
  'DIRECTORY_METADATA',
  'MODIFY_DELETE',
  'FOREIGN_WHITEOUT',
  'VACUOUS_WHITEOUT',
]);
/** Runtimes disagree on what comes of the first ones, so nobody can want them; the last ones have a switch of their own. */
const ALWAYS: ReadonlySet<ConflictCode> = new Set([
  'TYPE_CONFLICT',
  'IMPLICIT_PARENT',
  'NO_COMMON_BASE',
  'GLUE_FORBIDDEN',
]);

const SEVERITY: { readonly [P in NonNullable<ConflictsPlan['default']>]: Severity } = {
  error: 'error',
  warn: 'warning',
  'last-wins': 'info',
};

/** What mergers may be asked to settle. */
const MERGEABLE: ReadonlySet<ConflictCode> = new Set(['CONTENT_CONFLICT', 'MODIFY_DELETE']);
/** The pattern of mergers that are for everything: but not for what nobody cares about. */
const EVERYTHING = '/**';

type Matcher = (path: string) => boolean;

/** Judges conflicts by the rules of a combination, its mergers, and the defaults of stacking.md §3. Paths are absolute. */
export class Judge {
  private readonly rules: readonly { readonly matches: Matcher; readonly severity: Severity }[];
  private readonly mergers: readonly { readonly matches: Matcher; readonly isForAll: boolean }[];
  private readonly isNobodys: Matcher = matcherOf(NOBODY_CARES);
  private readonly isPublicCopy: Matcher = matcherOf(PUBLIC_COPIES);

  /** @param mergers the globs of each merger, in their order */
  public constructor(
    private readonly plan: ConflictsPlan,
    mergers: readonly (readonly string[])[] = [],
  ) {
    this.rules = (plan.rules ?? [])
      .map(({ match, policy }) => ({ matches: matcherOf(match), severity: SEVERITY[policy] }))
      .reverse();
    this.mergers = mergers.map((globs) => ({ matches: matcherOf(globs), isForAll: globs.includes(EVERYTHING) }));
  }

  /** Whether whole systems must share a base. */
  public get wantsCommonBase(): boolean {
    return this.plan.base !== 'ignore';
  }

  /** How severe a conflict is that nothing settles. */
  public severityOf(code: ConflictCode, path: string): Severity {
    if (ALWAYS.has(code)) return 'error';
    if (code === 'NAME_COLLISION') return this.plan.portable === true ? 'error' : 'info';
    const rule = this.ruleFor(path);
    if (rule !== undefined) return rule;
    if (HARMLESS.has(code) && this.isNobodys(path)) return 'info';
    if (code === 'FILE_WEAKENED' && this.isPublicCopy(path)) return 'info';
    if (code === 'VACUOUS_WHITEOUT') return 'error';
    if (code === 'FOREIGN_WHITEOUT') return this.plan.whiteouts === 'allow' ? 'warning' : 'error';
    if (code === 'DIRECTORY_METADATA' || code === 'RUNTIME_REPLACED')
      return this.plan.default === 'last-wins' ? 'info' : 'warning';
    return SEVERITY[this.plan.default ?? 'error'];
  }

  /** Numbers of the mergers that may settle a conflict, in their order: a rule for the path goes before them. */
  public mergersFor(code: ConflictCode, path: string): readonly number[] {
    if (!MERGEABLE.has(code) || this.ruleFor(path) !== undefined) return [];
    const isNobodys = this.isNobodys(path);
    return this.mergers.flatMap(({ matches, isForAll }, at) => (matches(path) && !(isForAll && isNobodys) ? [at] : []));
  }

  /** Whether what one component changed of the base is kept where another one has it as it was. */
  public keepsChange(path: string): boolean {
    return this.ruleFor(path) === undefined && !this.isNobodys(path);
  }

  /** Whether what a whiteout hides of another component is to be put back. */
  public repairs(code: 'FOREIGN_WHITEOUT' | 'VACUOUS_WHITEOUT', path: string): boolean {
    return this.keepsChange(path) && (code === 'VACUOUS_WHITEOUT' || this.plan.whiteouts === 'repair');
  }

  private ruleFor(path: string): Severity | undefined {
    return this.rules.find(({ matches }) => matches(path))?.severity;
  }
}

/** Tells whether an absolute path is one of some globs. */
export function matcherOf(globs: string | readonly string[]): Matcher {
  return picomatch(typeof globs === 'string' ? globs : [...globs], { dot: true, nonegate: true });
}

const FIXES: Readonly<Partial<Record<ConflictCode, string>>> = {
  TYPE_CONFLICT:
    'build the components so that they have the same type of file there; runtimes disagree on what comes of two types',
  IMPLICIT_PARENT: 'build the upper component on the same base, or put its files where the link leads',
  DIVERTED_FILE: 'build the component with the package on the one that diverts, so that dpkg knows of it',
  LINK_CHANGED: 'change the link in the base, or put the files where it leads now',
  RUNTIME_REPLACED: 'replace it in the base, on which all components are built',
  NAME_COLLISION: 'rename one of them, or leave out portable',
  VACUOUS_WHITEOUT:
    'it hides more than a glue layer should repeat: build that component anew with cdk-stack, which makes no such marks, or put it below the other one',
  FOREIGN_WHITEOUT:
    "put the component that removes below the other one, or set conflicts: { whiteouts: 'repair' } on the combined image to keep the files, 'allow' to lose them",
  NO_COMMON_BASE:
    "build both on one base, or set conflicts: { base: 'ignore' } on the combined image if one is no system of its own",
  TOO_LARGE_TO_MERGE: 'let one component have all of it, or set a rule for it in conflicts of the combined image',
  GLUE_FORBIDDEN: "leave out glue: 'forbid', or let one component have all of it",
};

/** A glob that is one path. */
function globOf(path: string): string {
  const isGlob = path.includes('\\') || picomatch.scan(path).isGlob;
  return isGlob ? path.replace(/[\\*?[\]{}()!+@|]/g, '\\$&') : path;
}

/** A string as JavaScript writes it: bytes that are no UTF-8 are lone surrogates, which no terminal shows. */
function literalOf(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** What to do about a conflict. */
export function fixOf(code: ConflictCode, path: string): string {
  const rule = `{ match: ${literalOf(globOf(path))}, policy: 'last-wins' }`;
  return FIXES[code] ?? `to take what is on top, set conflicts: { rules: [${rule}] } on the combined image`;
}
