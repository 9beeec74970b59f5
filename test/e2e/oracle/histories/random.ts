/** Numbers that are the same every time for one seed (mulberry32), and choices made with them. */
export class Random {
  private state: number;

  public constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  public next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 up to, but not including, a limit. */
  public below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  public chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list that is not empty. */
  public one<T>(list: readonly T[]): T {
    const index = this.below(list.length);
    if (index >= list.length) throw new Error('there is nothing to choose from');
    return list[index] as T;
  }

  /** Some of a list, at most a number of them, in any order. */
  public some<T>(list: readonly T[], most: number): T[] {
    const left = [...list];
    const chosen: T[] = [];
    while (left.length > 0 && chosen.length < most) chosen.push(...left.splice(this.below(left.length), 1));
    return chosen;
  }
}

/** Seeds to run: `STACK_SEED` is the first or, with `STACK_RUNS=1`, the only one; `STACK_RUNS` is their number. */
export function seedsOf(runs: number): readonly number[] {
  const first = Number(process.env['STACK_SEED'] ?? '1');
  return Array.from({ length: Number(process.env['STACK_RUNS'] ?? String(runs)) }, (_, at) => first + at);
}
