import type { RuntimeConfig } from '../oci';
import { same, withProtocol } from './config';
import { envEntries, envOf } from './env';
import { entriesIn, isPathList, unitePathLists } from './search-paths';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The configuration of an image on another base, as if it had been built there (stacking.md §7). What it set itself stays, also
 * where the new base has another value: a declaration replaces what it inherits. Everything else is the new base's.
 * @param config of the image on the base it was built on
 */
export function rebaseConfig(config: RuntimeConfig, from: RuntimeConfig, to: RuntimeConfig): RuntimeConfig {
  const fields = [...new Set([config, from, to].flatMap((each) => Object.keys(each)))];
  const whole = fields.filter((field) => !OWN_RULES.has(field));
  const rebased: Fields = {
    ...Object.fromEntries(whole.map((field) => [field, changedValue(field, { ...config }, { ...from }, { ...to })])),
    ...rebaseCommand(config, from, to),
    Env: rebaseEnv(envOf(config.Env), envOf(from.Env), envOf(to.Env)),
    Labels: rebaseMembers(config.Labels, from.Labels, to.Labels),
    ExposedPorts: rebaseMembers(...([config, from, to].map(portsOf) as [Fields, Fields, Fields])),
    Volumes: rebaseMembers(config.Volumes, from.Volumes, to.Volumes),
  };
  return Object.fromEntries(Object.entries(rebased).filter(([, value]) => value !== undefined));
}

const OWN_RULES: ReadonlySet<string> = new Set(['Env', 'ExposedPorts', 'Volumes', 'Labels', 'Entrypoint', 'Cmd']);

function changedValue(field: string, config: Fields, from: Fields, to: Fields): unknown {
  return isSet(config[field], from[field]) ? config[field] : to[field];
}

/** Empty texts and lists mean the same as none. */
function isSet(value: unknown, inherited: unknown): boolean {
  const [own, old] = [value, inherited].map((each) =>
    each === '' || (Array.isArray(each) && each.length === 0) ? undefined : each,
  );
  return !same(own, old);
}

/** An image that sets its entrypoint drops an inherited cmd, which was meant for another program. */
function rebaseCommand(config: RuntimeConfig, from: RuntimeConfig, to: RuntimeConfig): Fields {
  if (isSet(config.Entrypoint, from.Entrypoint)) return { Entrypoint: config.Entrypoint, Cmd: config.Cmd };
  return { Entrypoint: to.Entrypoint, Cmd: changedValue('Cmd', { ...config }, { ...from }, { ...to }) };
}

type Env = ReadonlyMap<string, string>;

/** Variables keep the places they have in the new base; those of the image follow. */
function rebaseEnv(env: Env, from: Env, to: Env): readonly string[] | undefined {
  const rebased = new Map<string, string>();
  for (const key of new Set([...to.keys(), ...env.keys()])) {
    const [own, old, inherited] = [env.get(key), from.get(key), to.get(key)];
    const value = own === old ? inherited : own;
    if (value === undefined) continue;
    const isMerged = isPathList(key) && own !== old && inherited !== old;
    rebased.set(key, isMerged ? rebasePathList(value, old, inherited) : value);
  }
  return rebased.size === 0 ? undefined : envEntries(rebased);
}

/** The image's list, without what the new base left out, and with what it added. */
function rebasePathList(own: string, from: string | undefined, to: string | undefined): string {
  const [old, inherited, kept] = [from, to, own].map((value) => new Set(entriesIn(value)));
  const without = (value: string | undefined, other: ReadonlySet<string> | undefined): string =>
    entriesIn(value)
      .filter((entry) => old?.has(entry) !== true || other?.has(entry) === true)
      .join(':');
  return unitePathLists(without(to, kept), [without(own, inherited)]);
}

/** By key: what the image changed or removed of the old base's counts, else the new base's value. */
function rebaseMembers(own: Fields = {}, from: Fields = {}, to: Fields = {}): Fields | undefined {
  const rebased = [...new Set([...Object.keys(to), ...Object.keys(own)])].flatMap((key) => {
    const [value, old] = [memberOf(own, key), memberOf(from, key)];
    const now = same(value, old) ? memberOf(to, key) : value;
    return now === undefined ? [] : [[key, now] as const];
  });
  return rebased.length === 0 ? undefined : Object.fromEntries(rebased);
}

/** Labels can be called as members that all objects have. */
function memberOf(members: Fields, key: string): unknown {
  return Object.hasOwn(members, key) ? members[key] : undefined;
}

function portsOf({ ExposedPorts = {} }: RuntimeConfig): Fields {
  return Object.fromEntries(Object.entries(ExposedPorts).map(([port, value]) => [withProtocol(port), value]));
}
