import { canonicalJson, StackError } from '../core';
import type { RuntimeConfig } from '../oci';

/** A component's configuration, with its name for messages. */
export interface NamedConfig {
  readonly name: string;
  readonly config: RuntimeConfig;
}

/** Variables that list directories: the union keeps everyone's entries (stacking.md §2). */
const PATH_LIKE =
  /^(PATH|LD_LIBRARY_PATH|MANPATH|INFOPATH|PKG_CONFIG_PATH|PYTHONPATH|PERL5LIB|NODE_PATH|GOPATH|CLASSPATH|XDG_[A-Z]+_DIRS)$/;

/** Labels that say who an image is; a combination is somebody else (image-spec annotations.md). */
const IDENTITY_LABEL =
  /^org\.opencontainers\.image\.(title|version|revision|source|url|documentation|description|licenses|ref\.name)$/;

/**
 * The configuration of a combination: the union of its components', bottom to top (stacking.md §2).
 * @throws StackError STACK5004 where components contradict each other; `config` on the combination settles it
 */
export function mergeConfigs(
  components: readonly NamedConfig[],
  settled: ReadonlySet<keyof RuntimeConfig> = new Set(),
): RuntimeConfig {
  const merged = {
    User: agree(components, settled, 'user', ['User'])?.User,
    ExposedPorts: unionKeys(components, 'ExposedPorts', (port) => (port.includes('/') ? port : `${port}/tcp`)),
    Env: mergeEnv(components, settled.has('Env')),
    ...agree(components, settled, 'entrypoint', ['Entrypoint', 'Cmd']),
    Volumes: unionKeys(components, 'Volumes', (volume) => volume),
    WorkingDir: agree(components, settled, 'workingDir', ['WorkingDir'])?.WorkingDir,
    Labels: mergeLabels(components),
    StopSignal: agree(components, settled, 'stopSignal', ['StopSignal'])?.StopSignal,
    Healthcheck: agree(components, settled, 'healthcheck', ['Healthcheck'])?.Healthcheck,
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as RuntimeConfig;
}

/** The one value of a group of fields that all components who set it agree on. */
function agree<K extends keyof RuntimeConfig>(
  components: readonly NamedConfig[],
  settled: ReadonlySet<keyof RuntimeConfig>,
  field: string,
  keys: readonly K[],
): Pick<RuntimeConfig, K> | undefined {
  let chosen: { readonly name: string; readonly value: Pick<RuntimeConfig, K> } | undefined;
  for (const { name, config } of components) {
    const set = keys.filter((key) => config[key] !== undefined && config[key] !== null && config[key] !== '');
    if (set.length === 0) continue;
    const value = Object.fromEntries(set.map((key) => [key, config[key]])) as Pick<RuntimeConfig, K>;
    if (
      chosen !== undefined &&
      canonicalJson(chosen.value) !== canonicalJson(value) &&
      !keys.some((key) => settled.has(key))
    ) {
      throw new StackError(
        'STACK5004',
        `'${chosen.name}' and '${name}' set different values for ${field}: ${canonicalJson(chosen.value)} and ${canonicalJson(value)}`,
        {
          hint: `set config: { ${field}: … } on the combined image`,
        },
      );
    }
    chosen ??= { name, value };
  }
  return chosen?.value;
}

function mergeEnv(components: readonly NamedConfig[], settled: boolean): readonly string[] | undefined {
  const variables = new Map<string, { value: string; from: string }>();
  for (const { name, config } of components) {
    for (const [key, value] of envEntries(config.Env)) {
      const known = variables.get(key);
      if (known === undefined) variables.set(key, { value, from: name });
      else if (PATH_LIKE.test(key))
        known.value = [...new Set([...known.value.split(':'), ...value.split(':')])].join(':');
      else if (known.value !== value && !settled) {
        throw new StackError('STACK5004', `'${known.from}' and '${name}' set ${key} to different values`, {
          hint: `set config: { env: { ${key}: … } } on the combined image`,
        });
      }
    }
  }
  return variables.size === 0 ? undefined : [...variables].map(([key, { value }]) => `${key}=${value}`);
}

/** `KEY=value` entries of an image config, split. */
export function envEntries(env: readonly string[] | undefined): [key: string, value: string][] {
  return (env ?? []).map((entry) => {
    const at = entry.indexOf('=');
    return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
  });
}

function unionKeys(
  components: readonly NamedConfig[],
  field: 'ExposedPorts' | 'Volumes',
  normalise: (key: string) => string,
): Readonly<Record<string, object>> | undefined {
  const keys = new Set(components.flatMap(({ config }) => Object.keys(config[field] ?? {}).map(normalise)));
  return keys.size === 0 ? undefined : Object.fromEntries([...keys].map((key) => [key, {}]));
}

function mergeLabels(components: readonly NamedConfig[]): Readonly<Record<string, string>> | undefined {
  const labels: Record<string, string> = {};
  for (const { config } of components) Object.assign(labels, config.Labels);
  for (const key of Object.keys(labels)) {
    if (IDENTITY_LABEL.test(key) && components.some(({ config }) => config.Labels?.[key] !== labels[key]))
      delete labels[key];
  }
  return Object.keys(labels).length === 0 ? undefined : labels;
}
