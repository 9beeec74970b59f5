import * as path from 'node:path';
import { StackError } from '../core';
import type { LayerFormat } from '../plan';

/** Where images are published. */
export interface Target {
  /** As it was given. */
  readonly text: string;
  /** Directory of an OCI layout, absolute. */
  readonly directory: string;
}

/**
 * Reads a target as `--to` takes it: `oci:DIR`, relative to the app's directory.
 * @throws StackError STACK1006
 */
export function parseTarget(text: string, directory: string): Target {
  const match = /^oci:(.+)$/.exec(text);
  if (match?.[1] !== undefined) return { text, directory: path.resolve(directory, match[1]) };
  throw new StackError('STACK1006', `'${text}' is not a target`, {
    hint: text.startsWith('docker:')
      ? 'registries are not supported yet; publish to a layout with oci:DIR'
      : 'write oci:DIR, such as oci:./oci',
  });
}

/**
 * The names an image gets in a layout: `NAME` or with tags `NAME:TAG`, and the format behind it unless that is tar,
 * so that all formats of an image can lie side by side (formats.md).
 */
export function refNames(name: string, tags: readonly string[] | undefined, format: LayerFormat): readonly string[] {
  const suffix = format === 'tar' ? '' : `-${format}`;
  return tags === undefined || tags.length === 0 ? [`${name}${suffix}`] : tags.map((tag) => `${name}:${tag}${suffix}`);
}
