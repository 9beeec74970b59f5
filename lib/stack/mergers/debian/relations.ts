import { Malformed } from '../malformed';
import { compareVersions } from './version';

/** How a version may be restricted (deb-control(5)). */
export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>';

/** A version that is asked for. */
export interface VersionRestriction {
  readonly operator: VersionOperator;
  readonly version: string;
}

/** A package that is asked for, or provided. */
export interface PackageRelation {
  readonly name: string;
  /** `any`, `native`, or an architecture. */
  readonly architecture: string | undefined;
  readonly restriction: VersionRestriction | undefined;
}

/** What one relation asks for: any of its alternatives will do. */
export interface Relation {
  /** As it was written, but in one line. */
  readonly text: string;
  readonly alternatives: readonly PackageRelation[];
}

const MAX_RELATIONS = 20_000;
/** Characters of one relation. */
const MAX_TEXT = 10_000;

const NAME = /^([A-Za-z0-9][A-Za-z0-9+._-]{0,255})(?::([A-Za-z0-9-]{1,64}))?$/;
const RESTRICTION = /^(<<|<=|=|>=|>>|<|>)?\s*([A-Za-z0-9.+~:-]{1,256})$/;

/** Reads the value of a field such as Depends. @throws Malformed */
export function parseRelations(value: string): readonly Relation[] {
  if (value === '') return [];
  const relations: Relation[] = [];
  for (const part of value.split(',')) {
    const text = part.trim().replace(/\s+/g, ' ');
    if (text === '' && relations.length > 0) continue; // a comma at the end
    if (text.length > MAX_TEXT || relations.length >= MAX_RELATIONS) throw new Malformed('asks for too much');
    const alternatives = text.split('|').map(parseAlternative);
    if (!alternatives.every((each) => each !== undefined)) throw new Malformed('cannot be read');
    relations.push({ text, alternatives });
  }
  return relations;
}

/** Whether a version is within a restriction. */
export function isWithin(version: string, restriction: VersionRestriction | undefined): boolean {
  if (restriction === undefined) return true;
  const order = compareVersions(version, restriction.version);
  switch (restriction.operator) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}

function parseAlternative(text: string): PackageRelation | undefined {
  const open = text.indexOf('(');
  const [, name, architecture] = NAME.exec((open < 0 ? text : text.slice(0, open)).trim()) ?? [];
  if (name === undefined) return undefined;
  if (open < 0) return { name, architecture, restriction: undefined };
  const end = text.trimEnd();
  const [, operator = '=', version] = RESTRICTION.exec(end.slice(open + 1, -1).trim()) ?? [];
  if (version === undefined || !end.endsWith(')')) return undefined;
  return { name, architecture, restriction: { operator: OPERATORS[operator] ?? '=', version } };
}

/** `<` and `>` are old, and include the version itself. */
const OPERATORS: Readonly<Record<string, VersionOperator>> = {
  '<': '<=',
  '>': '>=',
  ...{ '<<': '<<', '<=': '<=', '=': '=', '>=': '>=', '>>': '>>' },
};
