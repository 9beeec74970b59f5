/**
 * Gives a large value to everybody who asks, for as long as anybody may ask, without holding it: it stays in memory only while
 * something uses it, and is opened again when it is asked for later. Those who ask at the same time share one value.
 * @param open makes the value; what fails is tried again when it is asked for again
 * @param first the value, where it has just been made
 */
export function reopened<T extends object>(open: () => Promise<T>, first?: T): () => Promise<T> {
  let held = first === undefined ? undefined : new WeakRef(first);
  let opening: Promise<T> | undefined;
  const openNow = async (): Promise<T> => {
    try {
      const value = await open();
      held = new WeakRef(value);
      return value;
    } finally {
      opening = undefined;
    }
  };
  return () => {
    const value = held?.deref();
    return value === undefined ? (opening ??= openNow()) : Promise.resolve(value);
  };
}
