/**
 * Finds a place in something sorted.
 * @param size how much there is
 * @param isBefore whether what is at a position comes before what is looked for
 * @returns the first position that does not; `size` if there is none
 */
export function lowerBound(size: number, isBefore: (at: number) => boolean): number {
  let from = 0;
  let to = size;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(middle)) from = middle + 1;
    else to = middle;
  }
  return from;
}
