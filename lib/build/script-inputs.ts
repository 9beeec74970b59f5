import { pathOfCache, type LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { Input } from './inputs';
import { LayerImports, type ImageFiles } from './layer-imports';

/**
 * What a layer's script depends on besides the files it runs on: its text, its environment, what is mounted, and where
 * its secrets are. Their values and what is in the caches is not among it.
 * @param image construct path, for events
 */
export async function scriptInputs(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  script: string,
  env: Readonly<Record<string, string>>,
  files: ImageFiles,
): Promise<readonly Input[]> {
  const { network = 'host', caches, secrets, platform } = plan;
  return [
    { name: 'the script', value: script },
    ...Object.entries(env).map(([name, value]) => ({ name: `the variable ${name}`, value })),
    ...(await bindInputs(context, image, plan, files)),
    { name: 'network', value: network },
    { name: 'caches', value: caches?.map(pathOfCache) },
    { name: 'secrets', value: secrets?.map(({ id, dest }) => ({ id, dest })) },
    { name: 'the platform', value: platform },
  ];
}

async function bindInputs(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  files: ImageFiles,
): Promise<readonly Input[]> {
  const inputs = (plan.binds ?? []).map(async ({ source, cacheKey, ...how }): Promise<Input> => {
    const name = `bind ${source}`;
    if (cacheKey !== undefined) return { name, value: { ...how, cacheKey } };
    const content = new LayerImports(
      context,
      image,
      [{ source: { type: 'path', path: source }, dest: '/' }],
      [],
      files,
    );
    return { name, value: { ...how, content: (await content.knownInputs()).map(({ value }) => value) } };
  });
  return Promise.all(inputs);
}
