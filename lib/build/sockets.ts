import { sortTree, type Tree } from '../pack';
import type { BuildContext } from './context';
import { withoutExcluded } from './exclude';

/** How many sockets a warning names. */
const NAMED = 5;

/** The changes of a script without its sockets: what these replaced is gone. @param sockets paths, which `upper` lacks */
export function withoutSockets(upper: Tree, sockets: readonly string[]): Tree {
  if (sockets.length === 0) return upper;
  return sortTree([...upper, ...sockets.map((path) => ({ type: 'whiteout', path }) as const)]);
}

/** Says which sockets a script left, but for those that `exclude` leaves out anyway. */
export function warnOfSockets(
  { listener }: Pick<BuildContext, 'listener'>,
  image: string,
  sockets: readonly string[],
  exclude: readonly string[],
): void {
  const left = withoutExcluded(
    sockets.map((path) => ({ path })),
    exclude,
  ).map(({ path }) => `'/${path}'`);
  if (left.length === 0) return;
  const named = left.slice(0, NAMED).join(', ');
  const more = left.length > NAMED ? ` and ${String(left.length - NAMED)} more` : '';
  const noun = left.length === 1 ? `a socket` : `sockets`;
  const message = `the script left ${noun} behind, which no layer can keep: ${named}${more}`;
  listener({ code: 'warning', id: 'socket-left-out', message, image });
}
