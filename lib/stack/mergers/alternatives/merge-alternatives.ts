import { mergeRecords, type RecordConflict, type Records } from '../records';
import type { ParsedVersions } from '../versions';
import type { Alternative, Choice } from './alternative';

/** What the base or a component has, and where its link leads. */
export interface Selected extends Alternative {
  readonly selected: string | undefined;
}

/** Two things that components made of an alternative. */
export interface AlternativeConflict {
  /** What they differ on, to follow the alternative's name: `the priority of /usr/bin/vim`. */
  readonly what: string;
  readonly components: readonly string[];
}

/**
 * Merges an alternative: all choices, the manual selection of a component, else the best choice.
 * Of choices with the same priority the one that was there first stays, as with installations one after the other.
 * @param sides of all components, also of those that changed nothing
 */
export function mergeAlternatives({ base, sides }: ParsedVersions<Selected>): {
  readonly alternative: Selected;
  readonly conflicts: readonly AlternativeConflict[];
} {
  const everybody = sides.map(({ value }) => value);
  const conflicts: AlternativeConflict[] = [];
  const merge = <R>(
    recordsOf: (each: Selected) => Records<R>,
    what: (key: string) => string,
    isSame: (a: R, b: R) => boolean,
  ): Map<string, R> => {
    const merged = mergeRecords(
      recordsOf(base),
      sides.map(({ component, value }) => ({ component, records: recordsOf(value) })),
      { isSame },
    );
    conflicts.push(
      ...merged.conflicts.map((conflict: RecordConflict<R>) => ({
        what: what(conflict.key),
        components: conflict.changes.map(({ component }) => component),
      })),
    );
    return merged.records;
  };
  const isEqual = (a: string, b: string): boolean => a === b;
  const choices = merge(
    ({ choices }) => choices,
    (path) => `the choice ${path}`,
    isSameChoice,
  );
  const used = new Set([...choices.values()].flatMap(({ slaves }) => [...slaves.keys()]));
  const slaves = merge(
    (each) => each.slaves,
    (name) => `where its slave '${name}' is`,
    isEqual,
  );
  // One that a component lost with its last choice may be needed by another component's.
  const defined = new Map([...everybody.flatMap((each) => [...each.slaves]), ...slaves]);
  const merged = merge(
    ({ link }) => new Map(link === undefined ? [] : [['', link]]),
    () => 'where it is',
    isEqual,
  ).get('');
  // As with slaves: one that a component lost with its last choice.
  const link = merged ?? (choices.size > 0 ? everybody.find((each) => each.link !== undefined)?.link : undefined);
  const manual = merge(manualOf, () => 'the choice that is set', isEqual).get('');
  const isRemoved = everybody.some((each) => each.selected === manual && each.choices.has(manual ?? ''));
  const isManual = manual !== undefined && (choices.has(manual) || !isRemoved);
  return {
    alternative: {
      isManual,
      link,
      slaves: new Map([...defined].filter(([name]) => used.has(name))),
      choices,
      selected: isManual ? manual : bestOf(choices, everybody),
    },
    conflicts,
  };
}

function manualOf({ isManual, selected }: Selected): Records<string> {
  return new Map(isManual && selected !== undefined ? [['', selected]] : []);
}

function bestOf(choices: ReadonlyMap<string, Choice>, everybody: readonly Selected[]): string | undefined {
  const highest = Math.max(...[...choices.values()].map(({ priority }) => priority));
  const best = [...choices].filter(([, { priority }]) => priority === highest).map(([path]) => path);
  return everybody.map(({ selected }) => selected).find((path) => path !== undefined && best.includes(path)) ?? best[0];
}

function isSameChoice(a: Choice, b: Choice): boolean {
  return (
    a.priority === b.priority &&
    a.slaves.size === b.slaves.size &&
    [...a.slaves].every(([name, file]) => b.slaves.get(name) === file)
  );
}
