import type { RuntimeConfig } from '../oci';
import { same, withProtocol } from './config';
import type { Configuration } from './configuration';
import { envOf } from './env';

/** Where one field of a configuration comes from. */
export interface ConfigField {
  /** As declarations name it: `user`, `env.PATH`, `exposedPorts.80/tcp`. */
  readonly field: string;
  /** As in the image config (image-spec, config.md); undefined if the image does not take over what others set. */
  readonly value?: unknown;
  /** Those that set it, bottom to top: several where their values are united, or are the same. */
  readonly from: readonly string[];
}

/** Tells which images set the fields of a configuration, sorted by field. */
export function explainConfig(configuration: Configuration): readonly ConfigField[] {
  return new ConfigExplainer().explain(configuration);
}

type Members = ReadonlyMap<string, unknown>;

class ConfigExplainer {
  private readonly known = new Map<RuntimeConfig, Members>();
  /** Of the field that is explained: combinations may have one image in many ways. */
  private readonly setters = new Map<Configuration, readonly string[]>();

  public explain(configuration: Configuration): readonly ConfigField[] {
    const { runtime, base, components = [] } = configuration;
    const all = [runtime, base?.runtime, ...components.map((each) => each.runtime)];
    const fields = new Set(all.flatMap((each) => [...this.members(each).keys()]));
    return [...fields].sort().map((field) => {
      this.setters.clear();
      return { field, value: this.members(runtime).get(field), from: this.settersOf(configuration, field) };
    });
  }

  private settersOf(configuration: Configuration, field: string): readonly string[] {
    const found = this.setters.get(configuration) ?? [...new Set(this.findSetters(configuration, field))];
    this.setters.set(configuration, found);
    return found;
  }

  private findSetters(configuration: Configuration, field: string): readonly string[] {
    const { name, runtime, declared, base, components } = configuration;
    if (this.members(declared).has(field)) return [name];
    const value = this.members(runtime).get(field);
    const inherited = this.members(base?.runtime).get(field);
    const belowIt = base !== undefined && inherited !== undefined ? [base] : [];
    const sources =
      components === undefined ? belowIt : this.contributors(components, field, value, inherited, belowIt);
    const isOwn = components === undefined && value !== undefined && !same(value, inherited);
    return sources.length === 0 || isOwn ? [name] : sources.flatMap((source) => this.settersOf(source, field));
  }

  /** What the base has counts as long as no component changes it. */
  private contributors(
    components: readonly Configuration[],
    field: string,
    value: unknown,
    inherited: unknown,
    base: readonly Configuration[],
  ): readonly Configuration[] {
    const valueIn = ({ runtime }: Configuration): unknown => this.members(runtime).get(field);
    const changed = components.filter((each) => valueIn(each) !== undefined && !same(valueIn(each), inherited));
    const winners = changed.filter((each) => same(valueIn(each), value));
    if (winners.length > 0) return winners;
    return changed.length === 0 ? base : [...base, ...changed];
  }

  private members(runtime: RuntimeConfig = {}): Members {
    const known = this.known.get(runtime) ?? membersOf(runtime);
    this.known.set(runtime, known);
    return known;
  }
}

/** Every value by the name that declarations have for it. */
function membersOf({ Env, Labels, ExposedPorts, Volumes, ...whole }: RuntimeConfig): Members {
  const entries: (readonly [string, unknown])[] = [
    ...Object.entries(whole).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value] as const),
    ...[...envOf(Env)].map(([name, value]) => [`env.${name}`, value] as const),
    ...Object.entries(Labels ?? {}).map(([name, value]) => [`labels.${name}`, value] as const),
    ...Object.keys(ExposedPorts ?? {}).map((port) => [`exposedPorts.${withProtocol(port)}`, {}] as const),
    ...Object.keys(Volumes ?? {}).map((volume) => [`volumes.${volume}`, {}] as const),
  ];
  return new Map(entries.filter(([, value]) => value !== undefined));
}
