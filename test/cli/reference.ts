import {
  COMMANDS,
  GLOBAL_OPTIONS,
  flagOf,
  optionNotes,
  optionSpec,
  settableNames,
  usageOf,
  variableOf,
  type CommandSpec,
  type OptionName,
  type OptionSpec,
} from '../../lib/cli/options';
import { markdownTable } from '../docs/generated';

/** The commands and their options, as docs/cli.md shows them. */
export function commandReference(): string {
  const commands = Object.entries(COMMANDS) as [string, CommandSpec][];
  const sections = commands.map(([name, spec]) =>
    [
      `### \`stack ${[name, spec.arguments ?? []].flat().join(' ')}\`\n`,
      `${sentence(spec.description)}${spec.argumentDescription === undefined ? '' : ` Arguments: ${spec.argumentDescription}.`}\n`,
      optionTable(spec.options),
    ].join('\n'),
  );
  return [...sections, ['### Options of every command\n', optionTable(GLOBAL_OPTIONS)].join('\n')].join('\n');
}

/** Keys of cdk-stack.json and the variables for the same. */
export function configReference(): string {
  const rows = settableNames().map((name) => [
    `\`${name}\``,
    typeOf(optionSpec(name)),
    `\`${variableOf(name)}\``,
    `\`${flagOf(name)}\``,
  ]);
  return markdownTable(['key', 'type', 'variable', 'option'], rows);
}

/** JSON schema of cdk-stack.json; draft 7 is what editors know best. */
export function configSchema(): object {
  const properties = settableNames().map((name) => [name, valueSchema(name)] as const);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'cdk-stack.json',
    description: 'Configuration of a cdk-stack project: every option of every command, by its name.',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string', description: 'Where this schema is; for editors.' },
      ...Object.fromEntries(properties),
    },
  };
}

function optionTable(names: readonly OptionName[]): string {
  return markdownTable(
    ['option', 'meaning'],
    names.map((name) => [`\`${usageOf(name)}\``, sentence(optionSpec(name).description + optionNotes(name))]),
  );
}

function valueSchema(name: OptionName): object {
  const spec = optionSpec(name);
  const description = sentence(spec.description);
  if (spec.type === 'context') return { type: 'object', description };
  const single = {
    type: typeInJson(spec),
    ...(spec.choices === undefined ? {} : { enum: spec.choices }),
    ...(spec.minimum === undefined ? {} : { minimum: spec.minimum }),
    ...(typeInJson(spec) === 'string' && spec.choices === undefined ? { minLength: 1 } : {}),
  };
  const fallback = spec.default === undefined ? {} : { default: spec.default };
  if (spec.repeatable !== true) return { description, ...single, ...fallback };
  return { description, anyOf: [single, { type: 'array', items: single }], ...fallback };
}

/** Sizes and durations are text. */
function typeInJson({ type }: OptionSpec): string {
  return type === 'size' || type === 'duration' ? 'string' : type;
}

function typeOf(spec: OptionSpec): string {
  if (spec.type === 'context') return 'object';
  const single =
    spec.choices === undefined ? typeInJson(spec) : spec.choices.map((choice) => `\`"${choice}"\``).join(', ');
  return spec.repeatable === true ? `${single}, or a list` : single;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
