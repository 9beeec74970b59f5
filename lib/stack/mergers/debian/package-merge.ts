import { unlessMalformed } from '../malformed';
import { mergeRecords, type RecordConflict, type RecordRules, type Records } from '../records';
import { isSameStanza, stanzaOf, type Field } from './control-file';
import { isPresent, packageOf, type Package } from './package';

/** The order in which dpkg writes what it knows; what it does not know comes next, as it came. */
const FIELD_ORDER = [
  ...['package', 'essential', 'protected', 'status', 'priority', 'section', 'installed-size', 'origin', 'maintainer'],
  ...['bugs', 'architecture', 'multi-arch', 'source', 'version', 'config-version', 'replaces', 'provides', 'depends'],
  ...['pre-depends', 'recommends', 'suggests', 'breaks', 'conflicts', 'enhances', 'conffiles', 'filename', 'size'],
  ...['md5sum', 'description', 'triggers-pending', 'triggers-awaited'],
];

/** Packages three-way; fields of one that several components changed, too. */
export const PACKAGE_RULES: RecordRules<Package> = {
  isSame: isSamePackage,
  settle(conflict) {
    if (newVersions(conflict).length > 1) return undefined;
    const merged = mergeFields(conflict);
    if (merged === undefined || merged.conflicts.length > 0) return undefined;
    return unlessMalformed(
      () => ({ record: packageOf(stanzaOf(sortFields(merged.records.values()))) }),
      () => undefined,
    );
  },
};

/** Whether two are the same to the last byte. */
export function isSamePackage(a: Package | undefined, b: Package | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && isSameStanza(a.stanza, b.stanza));
}

/** The versions that components have instead of the base's, in their order. */
export function newVersions({ base, changes }: RecordConflict<Package>): string[] {
  const versions = changes.flatMap(({ record }) =>
    record !== undefined && isPresent(record) && record.version !== base?.version ? [record.version] : [],
  );
  return [...new Set(versions)];
}

/** Names of fields that components changed in different ways; all when one removed what another changed. */
export function differentFields(conflict: RecordConflict<Package>): string[] {
  return (mergeFields(conflict)?.conflicts ?? []).map(({ key, base, changes }) => {
    const text = (base ?? changes.find(({ record }) => record)?.record)?.text ?? '';
    return text.slice(0, key.length);
  });
}

/** Undefined where one removed the package and another one did something else to it. */
function mergeFields({ base, changes }: RecordConflict<Package>): ReturnType<typeof mergeRecords<Field>> | undefined {
  const sides = changes.flatMap(({ component, record }) =>
    record === undefined ? [] : [{ component, record, records: record.stanza.fields }],
  );
  const isRemoval = sides.length < changes.length || new Set(sides.map(({ record }) => isPresent(record))).size > 1;
  if (isRemoval) return undefined;
  // Without an ancestor it is not known whether a field was added or removed: all that is in one only is a contradiction.
  const old: Records<Field> = base?.stanza.fields ?? new Map<string, Field>();
  const fields = base === undefined ? withAllFields(sides) : sides;
  return mergeRecords(old, fields, { isSame: (a, b) => a.text === b.text });
}

function withAllFields<T extends { readonly records: Records<Field> }>(sides: readonly T[]): T[] {
  const names = new Set(sides.flatMap(({ records }) => [...records.keys()]));
  return sides.map((side) => ({
    ...side,
    records: new Map([...names].map((name) => [name, side.records.get(name) ?? { name, text: '', value: '' }])),
  }));
}

function sortFields(fields: Iterable<Field>): Field[] {
  const rank = ({ name }: Field): number =>
    FIELD_ORDER.includes(name) ? FIELD_ORDER.indexOf(name) : FIELD_ORDER.length;
  return [...fields].sort((a, b) => rank(a) - rank(b));
}
