import type { RuntimeConfig } from '../oci';
import type { ConfigPlan } from '../plan';
import { withProtocol, type Settled } from './config';
import { envEntries, envOf } from './env';

/**
 * The configuration of an image: the inherited one with what the user declared on top (design.md §3).
 * What is set replaces; env, labels, volumes and ports are merged by key; a new entrypoint resets an inherited cmd,
 * which was meant for another program. An empty entrypoint or cmd means none. Members we do not know are inherited too.
 */
export function applyConfig(inherited: RuntimeConfig, plan: ConfigPlan | undefined): RuntimeConfig {
  if (plan === undefined) return inherited;
  const applied: RuntimeConfig = {
    ...inherited,
    User: plan.user ?? inherited.User,
    ExposedPorts: addKeys(inherited.ExposedPorts, plan.exposedPorts?.map(withProtocol)),
    Env: addEnv(inherited.Env, plan.env),
    Entrypoint: noneIfEmpty(plan.entrypoint ?? inherited.Entrypoint),
    Cmd: noneIfEmpty(plan.cmd ?? (plan.entrypoint === undefined ? inherited.Cmd : undefined)),
    Volumes: addKeys(inherited.Volumes, plan.volumes),
    WorkingDir: plan.workingDir ?? inherited.WorkingDir,
    Labels: plan.labels === undefined ? inherited.Labels : { ...inherited.Labels, ...plan.labels },
    StopSignal: plan.stopSignal ?? inherited.StopSignal,
    Healthcheck: plan.healthcheck === undefined ? inherited.Healthcheck : healthcheckOf(plan.healthcheck),
  };
  return withoutUndefined(applied);
}

/** What a declaration says by itself. */
export function declaredConfig(plan: ConfigPlan | undefined): RuntimeConfig {
  return applyConfig({}, plan);
}

/** A configuration with labels added to it. */
export function withLabels(config: RuntimeConfig, labels: Readonly<Record<string, string>>): RuntimeConfig {
  return Object.keys(labels).length === 0 ? config : { ...config, Labels: { ...config.Labels, ...labels } };
}

/** What a declaration decides, whatever is inherited. */
export function settledBy(plan: ConfigPlan | undefined): Settled {
  const fields = new Set<keyof RuntimeConfig>();
  if (plan?.entrypoint !== undefined) fields.add('Entrypoint').add('Cmd');
  if (plan?.cmd !== undefined) fields.add('Cmd');
  if (plan?.user !== undefined) fields.add('User');
  if (plan?.workingDir !== undefined) fields.add('WorkingDir');
  if (plan?.stopSignal !== undefined) fields.add('StopSignal');
  if (plan?.healthcheck !== undefined) fields.add('Healthcheck');
  return { fields, env: new Set(Object.keys(plan?.env ?? {})) };
}

/** Inherited variables keep their place, new ones follow sorted by name, so equal declarations give equal bytes. */
function addEnv(
  inherited: readonly string[] | undefined,
  env: Readonly<Record<string, string>> | undefined,
): readonly string[] | undefined {
  if (env === undefined) return inherited;
  const added = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  return envEntries(new Map([...envOf(inherited), ...added]));
}

function addKeys(
  inherited: Readonly<Record<string, object>> | undefined,
  added: readonly string[] | undefined,
): Readonly<Record<string, object>> | undefined {
  if (added === undefined) return inherited;
  return { ...inherited, ...Object.fromEntries(added.map((key) => [key, {}])) };
}

function noneIfEmpty(words: readonly string[] | undefined): readonly string[] | undefined {
  return words?.length === 0 ? undefined : words;
}

function healthcheckOf(plan: NonNullable<ConfigPlan['healthcheck']>): NonNullable<RuntimeConfig['Healthcheck']> {
  return withoutUndefined({
    Test: plan.test,
    Interval: plan.interval,
    Timeout: plan.timeout,
    StartPeriod: plan.startPeriod,
    Retries: plan.retries,
  });
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
