import { canonicalJson, StackError } from '../core';
import type { RuntimeConfig } from '../oci';
import { mergeEnv, type NamedConfig } from './env';

/** What a combination sets itself, so that its components may differ there. */
export interface Settled {
  readonly fields: ReadonlySet<keyof RuntimeConfig>;
  /** Names of environment variables. */
  readonly env: ReadonlySet<string>;
}

export const NOTHING_SETTLED: Settled = { fields: new Set(), env: new Set() };

/** Labels that say who an image is; a combination is somebody else (image-spec annotations.md). */
const IDENTITY_LABEL =
  /^org\.opencontainers\.image\.(title|version|revision|source|url|documentation|description|licenses|ref\.name)$/;

/** Fields that are not merged as a whole. */
const OWN_RULES: ReadonlySet<string> = new Set(['Env', 'ExposedPorts', 'Volumes', 'Labels', 'Entrypoint', 'Cmd']);

/** How a user writes a field. */
const DECLARED_AS: Readonly<Record<string, string>> = {
  User: 'user',
  WorkingDir: 'workingDir',
  StopSignal: 'stopSignal',
  Healthcheck: 'healthcheck',
  Entrypoint: 'entrypoint',
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * The configuration of a combination, from its components', bottom to top (stacking.md §2): what they all inherit from a
 * shared base stays, what one of them changes counts.
 * @param base the configuration of the image they all stand on; where there is none, everything they set is a change
 * @throws StackError STACK5004 where two components change the same thing in different ways
 */
export function mergeConfigs(
  components: readonly NamedConfig[],
  base: RuntimeConfig = {},
  settled: Settled = NOTHING_SETTLED,
): RuntimeConfig {
  const fields = new Set([base, ...components.map(({ config }) => config)].flatMap((config) => Object.keys(config)));
  const whole = [...fields].filter((field) => !OWN_RULES.has(field));
  const merged: Fields = {
    ...Object.fromEntries(whole.map((field) => [field, mergeWhole(components, base, [field], settled)?.[field]])),
    ...mergeWhole(components, base, commandFields(settled), settled),
    Env: mergeEnv(components, base.Env, settled.env),
    ExposedPorts: uniteKeys(components, 'ExposedPorts', withProtocol),
    Volumes: uniteKeys(components, 'Volumes', (volume) => volume),
    Labels: mergeLabels(components, base.Labels ?? {}),
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** Entrypoint and cmd belong together, unless the combination says what the cmd is. */
function commandFields({ fields }: Settled): readonly string[] {
  return fields.has('Cmd') && !fields.has('Entrypoint') ? ['Entrypoint'] : ['Entrypoint', 'Cmd'];
}

/** Fields whose values are taken together from one image. */
function mergeWhole(
  components: readonly NamedConfig[],
  base: RuntimeConfig,
  fields: readonly string[],
  settled: Settled,
): Fields | undefined {
  const common = pick(base, fields);
  const changed = components
    .map(({ name, config }) => ({ name, value: pick(config, fields) }))
    .filter(({ value }) => !same(value, common));
  const [first] = changed;
  if (first === undefined) return common;
  const other = changed.find(({ value }) => !same(value, first.value));
  if (other !== undefined && !fields.some((field) => settled.fields.has(field as keyof RuntimeConfig))) {
    throw conflict(fields[0] ?? '', first, other);
  }
  return first.value;
}

/** Undefined when none of the fields is set: empty texts and lists mean the same as none. */
function pick(config: RuntimeConfig, fields: readonly string[]): Fields | undefined {
  const set = fields
    .map((field) => [field, (config as Fields)[field]] as const)
    .filter(([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0));
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/** Whether two values of configurations are the same one. */
export function same(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
}

function conflict(
  field: string,
  a: { readonly name: string; readonly value: Fields | undefined },
  b: { readonly name: string; readonly value: Fields | undefined },
): StackError {
  const name = DECLARED_AS[field] ?? field;
  const values = [a, b].map(({ value }) => (value === undefined ? 'nothing' : canonicalJson(value)));
  return new StackError(
    'STACK5004',
    `'${a.name}' and '${b.name}' set different values for ${name}: ${values.join(' and ')}`,
    {
      hint:
        name === field ? 'build the components with the same one' : `set config: { ${name}: … } on the combined image`,
    },
  );
}

function uniteKeys(
  components: readonly NamedConfig[],
  field: 'ExposedPorts' | 'Volumes',
  normalise: (key: string) => string,
): Readonly<Record<string, object>> | undefined {
  const keys = new Set(components.flatMap(({ config }) => Object.keys(config[field] ?? {}).map(normalise)));
  return keys.size === 0 ? undefined : Object.fromEntries([...keys].map((key) => [key, {}]));
}

/** Ports without a protocol are TCP's (image-spec, config.md). */
export function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`;
}

/** The last component that changes a label wins. */
function mergeLabels(
  components: readonly NamedConfig[],
  base: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const all = components.map(({ config }) => config.Labels ?? {});
  const labels = new Map(Object.entries(base));
  for (const each of all) {
    for (const [key, value] of Object.entries(each)) if (value !== base[key]) labels.set(key, value);
  }
  for (const [key, value] of labels) {
    const isOthers = IDENTITY_LABEL.test(key) && all.some((each) => each[key] !== value);
    if (isOthers || all.every((each) => each[key] === undefined)) labels.delete(key);
  }
  return labels.size === 0 ? undefined : Object.fromEntries(labels);
}
