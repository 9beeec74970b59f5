import { StackError } from '../core';
import type { RuntimeConfig } from '../oci';
import { isPathList, unitePathLists } from './search-paths';

/** A component's configuration, with its name for messages. */
export interface NamedConfig {
  readonly name: string;
  readonly config: RuntimeConfig;
}

/** `KEY=value` entries of an image config, by key; of two entries for one key the last counts, as for execve(2)'s users. */
export function envOf(env: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    (env ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** The entries of an image config for variables. */
export function envEntries(env: ReadonlyMap<string, string>): readonly string[] {
  return [...env].map(([key, value]) => `${key}=${value}`);
}

/**
 * The variables of a combination: what one component changes of the base's counts; lists of directories are united.
 * @param base what the components have in common
 * @param settled variables that the combination sets itself
 * @throws StackError STACK5004 when two components change a variable in different ways
 */
export function mergeEnv(
  components: readonly NamedConfig[],
  base: readonly string[] | undefined,
  settled: ReadonlySet<string>,
): readonly string[] | undefined {
  const common = envOf(base);
  const envs = components.map(({ name, config }) => ({ name, env: envOf(config.Env) }));
  const merged = new Map<string, string>();
  for (const key of new Set([common, ...envs.map(({ env }) => env)].flatMap((env) => [...env.keys()]))) {
    const values = envs.map(({ name, env }) => ({ name, value: env.get(key) }));
    const value = mergeVariable(key, values, common.get(key), settled.has(key));
    if (value !== undefined) merged.set(key, value);
  }
  return merged.size === 0 ? undefined : envEntries(merged);
}

interface NamedValue {
  readonly name: string;
  readonly value: string | undefined;
}

function mergeVariable(
  key: string,
  values: readonly NamedValue[],
  base: string | undefined,
  settled: boolean,
): string | undefined {
  const changed = values.filter(({ value }) => value !== base);
  const [first] = changed;
  if (first === undefined) return base;
  const other = changed.find(({ value }) => value !== first.value);
  if (other === undefined) return first.value;
  if (isPathList(key))
    return unitePathLists(
      base,
      changed.flatMap(({ value }) => value ?? []),
    );
  if (settled) return first.value;
  throw new StackError('STACK5004', `'${first.name}' and '${other.name}' set ${key} to different values`, {
    hint: `set config: { env: { ${key}: … } } on the combined image`,
  });
}
