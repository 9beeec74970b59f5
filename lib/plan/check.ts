import { StackError } from '../core';
import { formatReference, isImageName, isTag, parseReference } from '../oci';
import { dependenciesOf, findCycles, graphOf } from './graph';
import { platformIn } from './platform';
import type { AssemblyManifest, FileRef, ImagePlan, Plan } from './schema';
import { isInnerPath } from './module-path';
import { nameOfUrl, parseUrl } from './source-url';

/**
 * What is wrong with a plan beyond its shape, each as one phrase: a plan may come from outside, and everything after the
 * loader relies on names that lead out of no directory, on references that exist and on an order that ends.
 */
export function planFaults(plan: Plan): string[] {
  const published = Object.entries(plan.images).filter(([, image]) => !image.buildOnly);
  const cycles = findCycles(graphOf(plan.images));
  return [
    ...Object.entries(plan.images).flatMap(([key, image]) => danglingReferences(key, image, plan.images)),
    ...Object.entries(plan.images).flatMap(([key, image]) => unusableUrls(key, image)),
    ...Object.entries(plan.images).flatMap(([key, image]) => unusableReferences(key, image)),
    ...Object.entries(plan.images).flatMap(([key, image]) => foreignModules(key, image)),
    ...cycles.map((cycle) => `images need each other in a circle: ${[...cycle, cycle[0]].join(' -> ')}`),
    ...published.flatMap(([key, image]) => unusableNames(key, image)),
    ...duplicateNames(published, plan.images),
  ];
}

/** What tells that a manifest was not written together with a plan. */
export function manifestFaults(manifest: AssemblyManifest, plan: Plan): string[] {
  const listed = Object.entries(manifest.artifacts).flatMap(([key, artifact]) =>
    artifact.type === 'oci:image' ? [key] : [],
  );
  const same =
    listed.length === Object.keys(plan.images).length && listed.every((key) => Object.hasOwn(plan.images, key));
  return same ? [] : ['the manifest and the plan list different images'];
}

function danglingReferences(key: string, image: ImagePlan, images: Plan['images']): string[] {
  return dependenciesOf(image)
    .filter((need) => !Object.hasOwn(images, need))
    .map((need) => `image ${quote(key)} uses ${quote(need)}, which is not in the plan`);
}

/** Messages name no URL: what is not one may hold anything. */
function unusableUrls(key: string, image: ImagePlan): string[] {
  if (image.type !== 'layer') return [];
  const nameless = image.imports.some(
    ({ source, dest }) => isUsable(source) && source.type === 'url' && dest.endsWith('/') && !nameOfUrl(source.url),
  );
  const sources = [
    ...(image.from.type === 'tar' ? [image.from.file] : []),
    ...image.imports.map((each) => each.source),
  ];
  return [
    ...(sources.every(isUsable) ? [] : [`image ${quote(key)} has a source that is not a URL one can download`]),
    ...(nameless ? [`image ${quote(key)} puts a URL without a file name into a directory`] : []),
  ];
}

function isUsable(source: FileRef): boolean {
  if (source.type !== 'url') return true;
  const parsed = parseUrl(source.url);
  return 'url' in parsed && parsed.url === source.url;
}

/** Nor do they name a reference, for the same reason. */
function unusableReferences(key: string, image: ImagePlan): string[] {
  if (image.type !== 'layer') return [];
  const sources = [image.from, ...(image.base === undefined ? [] : [image.base])];
  if (sources.every((source) => source.type !== 'registry' || isComplete(source.reference))) return [];
  return [`image ${quote(key)} stands on something that is not a complete reference to an image in a registry`];
}

/** A module runs in our process, so it must be the app's own. */
function foreignModules(key: string, image: ImagePlan): string[] {
  if (image.type !== 'stacked-image' || (image.mergers ?? []).every(({ module }) => isInnerPath(module))) return [];
  return [`image ${quote(key)} has a merger whose module is not in the app's directory`];
}

function isComplete(reference: string): boolean {
  try {
    return formatReference(parseReference(reference)) === reference;
  } catch (error) {
    if (StackError.is(error)) return false;
    throw error;
  }
}

function unusableNames(key: string, image: ImagePlan): string[] {
  return [
    ...(isImageName(image.name)
      ? []
      : [`image ${quote(key)} has the name ${quote(image.name)}, which no registry accepts`]),
    ...(image.tags ?? [])
      .filter((tag) => !isTag(tag))
      .map((tag) => `image ${quote(key)} has the tag ${quote(tag)}, which no registry accepts`),
  ];
}

/** Images of one name for several platforms become one index. */
function duplicateNames(published: readonly (readonly [string, ImagePlan])[], images: Plan['images']): string[] {
  const owners = new Map<string, string>();
  return published.flatMap(([key, { name }]) => {
    const identity = `${name} ${platformIn(images, key) ?? ''}`;
    const owner = owners.get(identity);
    owners.set(identity, key);
    return owner === undefined ? [] : [`images ${quote(owner)} and ${quote(key)} have the same name ${quote(name)}`];
  });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
