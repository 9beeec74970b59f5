import { canonicalJson } from '../core';
import type { RuntimeConfig } from '../oci';

/** The configuration of an image, and those it was made from. */
export interface Configuration {
  /** Construct path, or a reference to an image outside of the app. */
  readonly name: string;
  readonly runtime: RuntimeConfig;
  /** What the image's layers are by content, bottom to top. */
  readonly layers: readonly string[];
  /** What the image's own declaration says. */
  readonly declared?: RuntimeConfig | undefined;
  /** Of the image it stands on; of a combination: what its components share. */
  readonly base?: Configuration | undefined;
  /** Of a combination. */
  readonly components?: readonly Configuration[] | undefined;
}

/** The nearest configuration that all of them are, or stand on. */
export function sharedConfiguration([first, ...others]: readonly Configuration[]): Configuration | undefined {
  const lineages = others.map((each) => new Set(lineageOf(each).map(identityOf)));
  return lineageOf(first).find((candidate) => lineages.every((lineage) => lineage.has(identityOf(candidate))));
}

function lineageOf(configuration: Configuration | undefined): readonly Configuration[] {
  const lineage: Configuration[] = [];
  for (let at = configuration; at !== undefined; at = at.base) lineage.push(at);
  return lineage;
}

/** An image is known by its content: several may have opened it by themselves, by different names. */
function identityOf({ runtime, layers }: Configuration): string {
  return canonicalJson([runtime, layers]);
}
