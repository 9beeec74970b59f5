/** A file that is not of the form its merger knows. Never leaves a merger: it becomes a problem. */
export class Malformed extends Error {}

/** What was read; of something malformed, what else it is taken for. */
export function unlessMalformed<T, U>(read: () => T, otherwise: (why: string) => U): T | U {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return otherwise(error.message);
    throw error;
  }
}
