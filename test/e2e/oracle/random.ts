/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  private state: number;

  public constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** An integer from 0 to below a bound. */
  public below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  public chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  public pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }
}

/** The seed of this run, which `STACK_SEED` repeats; it is printed. */
export function seedOf(what: string): number {
  const seed = Number(process.env['STACK_SEED'] ?? Date.now() % 1_000_000_007);
  process.stderr.write(`${what}: STACK_SEED=${String(seed)}\n`);
  return seed;
}

/** How often something random is done: `STACK_RUNS`, else what continuous integration can afford. */
export function runsOf(usual: number): number {
  return Number(process.env['STACK_RUNS'] ?? usual);
}
