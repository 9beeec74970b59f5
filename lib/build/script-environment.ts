import type { RuntimeConfig } from '../oci';
import type { LayerPlan } from '../plan';
import { envOf } from '../stack';
import type { BuildContext } from './context';

/** Proxies: without them a script could not reach what we can reach. */
const DEFAULT_PASSTHROUGH = ['(?:ftp|http|https|no)_proxy', '(?:FTP|HTTP|HTTPS|NO)_PROXY'];

/**
 * The environment of a layer's scripts: the base's, what is passed through of ours, `buildEnv`, and what we say.
 * @param config of the base
 */
export function scriptEnvironment(
  context: Pick<BuildContext, 'epoch'>,
  plan: Pick<LayerPlan, 'name' | 'buildEnv' | 'buildEnvPassthrough'>,
  config: RuntimeConfig,
): Readonly<Record<string, string>> {
  const patterns = (plan.buildEnvPassthrough ?? DEFAULT_PASSTHROUGH).map((pattern) => new RegExp(`^(?:${pattern})$`));
  const passed = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && value !== '' && patterns.some((pattern) => pattern.test(name)),
  );
  return {
    ...Object.fromEntries(envOf(config.Env)),
    ...(Object.fromEntries(passed) as Record<string, string>),
    ...plan.buildEnv,
    SOURCE_DATE_EPOCH: String(context.epoch),
    STACK_LAYER_NAME: plan.name,
  };
}
