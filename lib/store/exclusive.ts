/** Runs pieces of work with the same key one after the other. */
export class Exclusive {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Whether work with this key is under way. */
  public isBusy(key: string): boolean {
    return this.last.has(key);
  }

  /** Runs `work` when no other with this key is under way; gives its result. */
  public async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key);
    }
  }
}
