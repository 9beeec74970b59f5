/** What a file's content means, or why it has no meaning: a sentence without its full stop. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string };

/** What was understood. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** Why nothing was. */
export function fault(text: string): Parsed<never> {
  return { ok: false, fault: text };
}
