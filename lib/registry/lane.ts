import { sleep } from './retry';

/** Most requests to one host at a time. */
export interface LaneLimits {
  /** Short requests and small blobs. @default 16 */
  readonly small: number;
  /** Uploads of large blobs, which must not hold up the short ones. @default 3 */
  readonly large: number;
}

export const DEFAULT_LANES: LaneLimits = { small: 16, large: 3 };

/** Which queue a request stands in. */
export type LaneKind = keyof LaneLimits;

/**
 * The way to one host. When the host asks for fewer requests, all of them wait and only half as many run at a time
 * afterwards; each round that goes well lets one more run.
 */
export class HostLanes {
  private readonly slots: Readonly<Record<LaneKind, Slots>>;
  private pausedUntil = 0;

  public constructor(limits: LaneLimits) {
    this.slots = { small: new Slots(limits.small), large: new Slots(limits.large) };
  }

  /** Runs a request when it is its turn. */
  public async run<T>(kind: LaneKind, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const slots = this.slots[kind];
    await slots.take();
    try {
      for (let wait = this.pausedFor(); wait > 0; wait = this.pausedFor()) await sleep(wait, signal);
      signal?.throwIfAborted();
      const result = await work();
      slots.wentWell();
      return result;
    } finally {
      slots.giveBack();
    }
  }

  /** The host wants fewer requests, and none for some time. */
  public slowDown(milliseconds: number): void {
    // Those that were under way together get the same answer together: that counts once.
    if (this.pausedFor() === 0) for (const slots of Object.values(this.slots)) slots.halve();
    this.pausedUntil = Math.max(this.pausedUntil, Date.now() + milliseconds);
  }

  /** Most requests at a time, now. */
  public limit(kind: LaneKind): number {
    return this.slots[kind].limit;
  }

  private pausedFor(): number {
    return Math.max(0, this.pausedUntil - Date.now());
  }
}

/** A semaphore whose size follows how it goes. */
class Slots {
  public limit: number;
  private running = 0;
  private successes = 0;
  private readonly waiting: (() => void)[] = [];

  public constructor(private readonly most: number) {
    this.limit = most;
  }

  public async take(): Promise<void> {
    if (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
  }

  public giveBack(): void {
    this.running -= 1;
    this.admit();
  }

  public halve(): void {
    this.limit = Math.max(1, Math.floor(this.limit / 2));
    this.successes = 0;
  }

  public wentWell(): void {
    this.successes += 1;
    if (this.limit >= this.most || this.successes < this.limit) return;
    this.limit += 1;
    this.successes = 0;
    this.admit();
  }

  private admit(): void {
    while (this.running < this.limit) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.running += 1;
      next();
    }
  }
}
