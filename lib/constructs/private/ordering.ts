import type { IConstruct } from 'constructs';
import type { ErrorPlace } from '../../core';
import { dependenciesOf, type ImagePlan } from '../../plan';
import { declarationOf } from './declaration';
import type { Problems } from './problems';
import { imageKey, type Rendering } from './rendering';

/**
 * Adds the order asked for with `node.addDependency()` to the recipes: every image at or below the one construct comes after every
 * image at or below the other. What a recipe uses anyway is not repeated.
 */
export function addOrdering(
  app: Omit<Rendering, 'report'>,
  plans: Map<string, ImagePlan>,
  problems: Problems,
  placeOf: (constructPath: string) => ErrorPlace,
): void {
  for (const construct of app.root.node.findAll()) {
    const { path, dependencies } = construct.node;
    if (dependencies.length === 0) continue;
    const report = problems.at(placeOf(path));
    const needed = dependencies.flatMap(imagesBelow);
    const keys = needed.flatMap((image) => imageKey({ ...app, report }, 'a dependency', image) ?? []);
    for (const { node } of imagesBelow(construct)) {
      const plan = plans.get(node.path);
      if (plan !== undefined) plans.set(node.path, withDependencies(node.path, plan, keys));
    }
  }
}

function imagesBelow(construct: IConstruct): IConstruct[] {
  return construct.node.findAll().filter((each) => declarationOf(each) !== undefined);
}

function withDependencies(ownKey: string, plan: ImagePlan, keys: readonly string[]): ImagePlan {
  const used = new Set(dependenciesOf(plan));
  const added = new Set(keys.filter((key) => key !== ownKey && !used.has(key)));
  return added.size === 0 ? plan : { ...plan, dependsOn: [...(plan.dependsOn ?? []), ...added].sort() };
}
