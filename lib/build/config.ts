import { envEntries } from '../stack';
import type { RuntimeConfig } from '../oci';
import type { ConfigPlan } from '../plan';

/**
 * The configuration of an image: the inherited one with what the user declared on top (design.md §3).
 * What is set replaces; env, labels, volumes and ports are merged by key; a new entrypoint resets an inherited cmd,
 * which was meant for another program.
 */
export function applyConfig(inherited: RuntimeConfig, plan: ConfigPlan | undefined): RuntimeConfig {
  if (plan === undefined) return inherited;
  const { healthcheck } = plan;
  const cmd = plan.cmd ?? (plan.entrypoint === undefined ? inherited.Cmd : undefined);
  const applied: { readonly [K in keyof RuntimeConfig]-?: RuntimeConfig[K] } = {
    User: plan.user ?? inherited.User,
    ExposedPorts: mergeKeys(
      inherited.ExposedPorts,
      plan.exposedPorts?.map((port) => (port.includes('/') ? port : `${port}/tcp`)),
    ),
    Env: mergeEnv(inherited.Env, plan.env),
    Entrypoint: plan.entrypoint ?? inherited.Entrypoint,
    Cmd: cmd?.length === 0 ? undefined : cmd,
    Volumes: mergeKeys(inherited.Volumes, plan.volumes),
    WorkingDir: plan.workingDir ?? inherited.WorkingDir,
    Labels:
      inherited.Labels === undefined && plan.labels === undefined ? undefined : { ...inherited.Labels, ...plan.labels },
    StopSignal: plan.stopSignal ?? inherited.StopSignal,
    Healthcheck:
      healthcheck === undefined
        ? inherited.Healthcheck
        : {
            Test: healthcheck.test,
            Interval: healthcheck.interval,
            Timeout: healthcheck.timeout,
            StartPeriod: healthcheck.startPeriod,
            Retries: healthcheck.retries,
          },
  };
  return Object.fromEntries(Object.entries(applied).filter(([, value]) => value !== undefined)) as RuntimeConfig;
}

/** The fields of the image config that a declaration sets. */
export function fieldsSet(plan: ConfigPlan | undefined): ReadonlySet<keyof RuntimeConfig> {
  const fields: readonly (readonly [keyof ConfigPlan, readonly (keyof RuntimeConfig)[]])[] = [
    ['env', ['Env']],
    ['entrypoint', ['Entrypoint', 'Cmd']],
    ['cmd', ['Cmd']],
    ['user', ['User']],
    ['workingDir', ['WorkingDir']],
    ['stopSignal', ['StopSignal']],
    ['healthcheck', ['Healthcheck']],
  ];
  return new Set(fields.flatMap(([key, names]) => (plan?.[key] === undefined ? [] : names)));
}

/** Inherited variables keep their place, new ones follow sorted by name, so equal declarations give equal bytes. */
function mergeEnv(
  inherited: readonly string[] | undefined,
  env: Readonly<Record<string, string>> | undefined,
): readonly string[] | undefined {
  if (env === undefined) return inherited;
  const merged = new Map(envEntries(inherited));
  for (const [key, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) merged.set(key, value);
  return [...merged].map(([key, value]) => `${key}=${value}`);
}

function mergeKeys(
  inherited: Readonly<Record<string, object>> | undefined,
  added: readonly string[] | undefined,
): Readonly<Record<string, object>> | undefined {
  if (added === undefined) return inherited;
  return { ...inherited, ...Object.fromEntries(added.map((key) => [key, {}])) };
}
