import { StackError } from '../../../core';
import { resolveInView, type View } from '../../../pack';
import type { MergeRequest } from '../merger';
import type { Settlement } from '../settlement';
import type { Selected } from './merge-alternatives';

/** Where the link of an alternative or of a slave leads. */
export function linkOf(name: string): string {
  return `etc/alternatives/${name}`;
}

/**
 * Lets the links of an alternative lead where it says, as update-alternatives does: those of slaves which the selected
 * choice lacks, or whose files are missing, are removed; what is no link stays.
 * @param known what there was of the alternative in the base and in all components
 */
export function settleLinks(
  name: string,
  { link, slaves, choices, selected }: Selected,
  known: readonly Selected[],
  { stacked, paths }: MergeRequest,
  into: Settlement,
): void {
  const place = (from: string | undefined, to: string | undefined, via: string): void => {
    if (from === undefined) return;
    const path = placeOf(stacked, from);
    const entry = path === undefined ? undefined : stacked.get(path);
    if (path === undefined || (entry !== undefined && entry.type !== 'symlink')) return;
    const isAsked = paths.includes(path);
    if (to === undefined) {
      if (entry !== undefined || isAsked) into.remove(path);
    } else if (entry?.target !== via || isAsked) {
      into.link(path, via);
    }
  };
  const point = (of: string, from: string | undefined, to: string | undefined): void => {
    place(`/${linkOf(of)}`, to, to ?? '');
    place(from, to, `/${linkOf(of)}`);
  };
  point(name, link ?? known.find((each) => each.link !== undefined)?.link, selected);
  const choice = choices.get(selected ?? '');
  if (choice === undefined && selected !== undefined) return; // somebody's own link: its slaves are theirs, too
  const all = new Map(known.flatMap((each) => [...each.slaves]));
  for (const [slave, from] of new Map([...all, ...slaves])) {
    const file = choice?.slaves.get(slave);
    point(slave, from, file !== undefined && exists(stacked, file) ? file : undefined);
  }
}

/** Where a path is once the links on its way are followed; undefined in a loop. */
function placeOf(view: View, path: string, followLast = false): string | undefined {
  try {
    return resolveInView(view, path, followLast);
  } catch (error) {
    if (StackError.is(error)) return undefined;
    throw error;
  }
}

function exists(view: View, path: string): boolean {
  const place = placeOf(view, path, true);
  return place !== undefined && view.get(place) !== undefined;
}
