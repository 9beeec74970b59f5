import * as path from 'node:path';
import { redactReference, StackError } from '../core';
import { isImageName } from '../oci';
import type { LayerFormat } from '../plan';

/** An OCI layout. */
export interface LayoutTarget {
  readonly kind: 'layout';
  /** As it was given. */
  readonly text: string;
  /** Absolute. */
  readonly directory: string;
}

/** A registry, or a part of one. */
export interface RegistryTarget {
  readonly kind: 'registry';
  readonly text: string;
  /** What comes before the names of images: `HOST` or `HOST/PREFIX`. */
  readonly prefix: string;
}

/** Where images are published. */
export type Target = LayoutTarget | RegistryTarget;

/** What tells a host from the first part of a name: a dot, a port, or that it is this machine (distribution's reference grammar). */
const HOST = /^([a-z0-9.-]*[.:][a-z0-9.:-]*|localhost|\[[0-9a-f:.]+\](:\d+)?)$/i;

/**
 * Reads a target as `--to` takes it: `oci:DIR`, relative to the app's directory, or `docker://HOST[/PREFIX]`.
 * @throws StackError STACK1006
 */
export function parseTarget(text: string, directory: string): Target {
  const layout = /^oci:(.+)$/s.exec(text)?.[1];
  if (layout !== undefined) return { kind: 'layout', text, directory: path.resolve(directory, layout) };
  const prefix = /^docker:\/\/(.+?)\/*$/s.exec(text)?.[1];
  const [host = '', ...rest] = prefix?.split('/') ?? [];
  if (prefix !== undefined && HOST.test(host) && (rest.length === 0 || isImageName(rest.join('/')))) {
    return { kind: 'registry', text, prefix };
  }
  throw new StackError('STACK1006', `'${redactReference(text)}' is not a target`, {
    hint: 'write oci:DIR, such as oci:./oci, or docker://HOST/PREFIX, such as docker://ghcr.io/acme',
  });
}

/** Behind a name or tag, so that all formats of an image can lie side by side (formats.md). */
export function suffixOf(format: LayerFormat): string {
  return format === 'tar' ? '' : `-${format}`;
}

/** What an image is called in a target: its name, its tag if it has one, and what is behind them. */
export interface ImageName {
  readonly name: string;
  readonly tag: string | undefined;
  readonly suffix: string;
}

/** Its name in a layout: `NAME` or with a tag `NAME:TAG`. */
export function refNameIn({ name, tag, suffix }: ImageName): string {
  return `${name}${tag === undefined ? '' : `:${tag}`}${suffix}`;
}

/** Its tag in a registry, `latest` when it has none. */
export function registryTag({ tag = 'latest', suffix }: ImageName): string {
  return `${tag}${suffix}`;
}

/** Where it is: `HOST/PREFIX/NAME:TAG` or `oci:DIR:NAME`. */
export function referenceIn(target: Target, image: ImageName): string {
  if (target.kind === 'layout') return `${target.text}:${refNameIn(image)}`;
  return `${target.prefix}/${image.name}:${registryTag(image)}`;
}
