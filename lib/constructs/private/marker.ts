/** Marks all instances of a class, so that another copy of this package recognises them (constructs does the same). */
export function mark(prototype: object, marker: symbol): void {
  Object.defineProperty(prototype, marker, { value: true });
}

/** True for an instance of a marked class, whichever copy of the package made it. */
export function isMarked(value: unknown, marker: symbol): boolean {
  return typeof value === 'object' && value !== null && marker in value;
}

/**
 * What `instanceof` shall answer for a marked class. Subclasses inherit `Symbol.hasInstance`, and for them the marker
 * of their parent says nothing, so they get the usual answer.
 * @param asked the class on the right of `instanceof`
 * @param owner the class that has the marker
 */
export function isInstance(asked: unknown, owner: unknown, value: unknown, marker: symbol): boolean {
  if (asked === owner) return isMarked(value, marker);
  return typeof asked === 'function' && Function.prototype[Symbol.hasInstance].call(asked, value);
}

/** Reports whether a value is an instance of a marked class itself, whichever copy of the package made it, and not of a subclass. */
export function isDirectInstance(value: object, marker: symbol): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype !== null && Object.hasOwn(prototype, marker);
}
