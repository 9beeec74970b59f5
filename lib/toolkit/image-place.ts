import * as path from 'node:path';
import { redactReference, StackError } from '../core';
import { formatReference, parseReference, type Reference } from '../oci';

/** Where one image is, or is to be. */
export type ImagePlace = ImageInRegistry | ImageInLayout;

/** An image in a registry. */
export interface ImageInRegistry {
  readonly kind: 'registry';
  /** Complete: `docker://HOST/NAME:TAG`. */
  readonly text: string;
  readonly reference: Reference;
}

/** An image in an OCI layout. */
export interface ImageInLayout {
  readonly kind: 'layout';
  readonly text: string;
  /** Absolute. */
  readonly directory: string;
  /** Its name in the index.json; undefined: the only one. */
  readonly name: string | undefined;
}

/**
 * Reads where an image is: `docker://[HOST/]NAME[:TAG][@DIGEST]`, or `oci:DIR[:NAME]` with everything after the first `:` as the
 * name, as bases are written too.
 * @param directory where relative paths start
 * @throws StackError STACK1006, STACK6101
 */
export function parsePlace(text: string, directory: string): ImagePlace {
  if (text.startsWith('docker://')) {
    const reference = parseReference(text.slice('docker://'.length));
    return { kind: 'registry', text: `docker://${formatReference(reference)}`, reference };
  }
  const [, place, name] = /^oci:([^:]+)(?::(.+))?$/s.exec(text) ?? [];
  if (place !== undefined) return { kind: 'layout', text, directory: path.resolve(directory, place), name };
  throw new StackError('STACK1006', `'${redactReference(text)}' does not say where an image is`, {
    hint: 'write docker://HOST/NAME:TAG, or oci:DIR:NAME',
  });
}
