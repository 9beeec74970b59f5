import { compareNames } from '../core';
import type { Combination } from './combination';
import type {
  Conflict,
  ConflictCode,
  ConflictCount,
  ConflictOwner,
  ConflictReport,
  SettledConflict,
  Severity,
} from './conflict-report';
import { fixOf, type Judge } from './conflict-rules';
import { describe } from './entry-conflict';
import type { Finding, Owner } from './findings';

/** Conflicts of one code and severity that are listed, and settled ones; all are counted. */
const MAX_LISTED = 1000;

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

/** Collects what is told about a combination. */
export class ReportBuilder {
  private readonly conflicts: Conflict[] = [];
  private readonly counts = new Map<string, ConflictCount>();
  private readonly settled = new Map<string, { readonly by: string; readonly owners: readonly Owner[] }>();

  public constructor(
    private readonly combination: Combination,
    private readonly judge: Judge,
  ) {}

  /** Adds a conflict. @param more what else there is to say; the fix replaces the usual one */
  public add(
    { code, path, owners, message }: Finding,
    more: Partial<Pick<Conflict, 'severity' | 'hidden' | 'hiddenCount' | 'message' | 'files' | 'fix'>> = {},
  ): void {
    const absolute = `/${path}`;
    const severity = more.severity ?? this.judge.severityOf(code, absolute);
    if (!this.count(code, severity)) return;
    const fix = fixOf(code, absolute);
    const said = message === undefined ? more : { message, ...more };
    this.conflicts.push({ code, severity, path: absolute, owners: this.describeOwners(owners), fix, ...said });
  }

  /** Adds a path that the glue settles; what is said last about a path counts. */
  public settle(path: string, by: string, owners: readonly Owner[]): void {
    this.settled.set(path, { by, owners });
  }

  /** Takes back that the glue settles a path: what is there is right. */
  public leave(path: string): void {
    this.settled.delete(path);
  }

  /** Makes a conflict of everything that a glue layer would be needed for. */
  public forbidGlue(): void {
    for (const [path, { owners }] of this.settled) this.add({ code: 'GLUE_FORBIDDEN', path, owners });
  }

  /** Whether anything is an error so far. */
  public get hasErrors(): boolean {
    return [...this.counts.values()].some(({ severity }) => severity === 'error');
  }

  /** Everything so far. @param hasGlue whether there is one, so that what it settles is settled */
  public build(hasGlue = true): ConflictReport {
    const settled = hasGlue ? [...this.settled.keys()].sort(compareNames) : [];
    return {
      conflicts: [...this.conflicts].sort(
        (a, b) => byRank(a, b) || compareNames(a.path, b.path) || compareNames(a.code, b.code),
      ),
      counts: [...this.counts.values()].sort((a, b) => byRank(a, b) || compareNames(a.code, b.code)),
      settled: settled.slice(0, MAX_LISTED).map((path) => this.describeSettled(path)),
      settledCount: settled.length,
    };
  }

  private describeSettled(path: string): SettledConflict {
    const { by = '', owners = [] } = this.settled.get(path) ?? {};
    const components = this.describeOwners(owners).map(({ component }) => component);
    return { path: `/${path}`, by, components: [...new Set(components)] };
  }

  /** @returns whether a conflict is among the first */
  private count(code: ConflictCode, severity: Severity): boolean {
    const key = `${code} ${severity}`;
    const count = (this.counts.get(key)?.count ?? 0) + 1;
    this.counts.set(key, { code, severity, count });
    return count <= MAX_LISTED;
  }

  private describeOwners(owners: readonly Owner[]): readonly ConflictOwner[] {
    const once = new Map(owners.map((owner) => [[owner.component, owner.layer, owner.at].join(' '), owner]));
    const sorted = [...once.values()].sort((a, b) => a.layer - b.layer || a.component - b.component || a.at - b.at);
    return sorted.map(({ component, layer, at }) => {
      const { key, createdBy } = this.combination.indexed[layer] ?? { key: '', createdBy: '' };
      const name = this.combination.components[component]?.name ?? '';
      const entry = describe(this.combination.layer(layer).state(at));
      return { component: name, layer: key, createdBy, entry };
    });
  }
}

function byRank(a: { readonly severity: Severity }, b: { readonly severity: Severity }): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}
