import { Command, CommanderError, InvalidArgumentError, Option, type OutputConfiguration } from 'commander';
import pc from 'picocolors';
import { StackError, didYouMean } from '../core';
import {
  COMMANDS,
  GLOBAL_OPTIONS,
  OPTION_NAMES,
  flagOf,
  optionNotes,
  optionSpec,
  usageOf,
  type CommandName,
  type CommandSpec,
  type OptionName,
} from './options';

/** Values as they stand on the command line; repeatable ones are lists. */
export type RawFlags = Readonly<Partial<Record<OptionName, boolean | string | readonly string[]>>>;

/** What the user asked for: a command, or only a text such as the version or the help; `missing` when no command was named. */
export type Parsed =
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      readonly operands: readonly string[];
      readonly flags: RawFlags;
    }
  | { readonly kind: 'text'; readonly text: string; readonly missing: boolean };

/** How help texts are laid out. */
export interface HelpStyle {
  readonly version: string;
  readonly width: number;
  readonly color: boolean;
}

/**
 * Reads a command line by the option table. Values stay text; `resolveSettings` checks them.
 * @throws StackError STACK1001 for an unknown command or option, or a missing value.
 */
export function parseArguments(argv: readonly string[], style: HelpStyle): Parsed {
  let text = '';
  let parsed: Parsed | undefined;
  const write = (chunk: string): void => {
    text += chunk;
  };
  const output: OutputConfiguration = {
    writeOut: write,
    writeErr: write,
    outputError: () => undefined,
    getOutHelpWidth: () => style.width,
    getErrHelpWidth: () => style.width,
    getOutHasColors: () => style.color,
    getErrHasColors: () => style.color,
  };
  const program = buildProgram(style, output, (command, operands, flags) => {
    parsed = { kind: 'command', command, operands, flags };
  });
  try {
    program.parse(argv.map(withValue), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text, missing: false };
    if (error.code !== 'commander.help') throw usageError(error);
    if (argv.includes('help')) throw unknownTopic(argv);
    return { kind: 'text', text, missing: true };
  }
  if (parsed === undefined) throw new StackError('STACK9001', 'the command line was read, but no command came of it');
  return parsed;
}

/** Options that may stand alone get the value they mean then: commander would take the next word for it. */
function withValue(word: string, position: number, words: readonly string[]): string {
  if (words.slice(0, position).includes('--')) return word;
  const name = OPTION_NAMES.find((each) => flagOf(each) === word);
  const alone = name === undefined ? undefined : optionSpec(name).alone;
  return alone === undefined ? word : `${word}=${alone}`;
}

type Receiver = (command: CommandName, operands: readonly string[], flags: RawFlags) => void;

function buildProgram(style: HelpStyle, output: OutputConfiguration, receive: Receiver): Command {
  const colors = pc.createColors(style.color);
  const program = new Command('stack')
    .description('Declare OCI layers and images in TypeScript; build every blob once, publish it once.')
    .version(style.version, '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureOutput(output)
    .configureHelp({ showGlobalOptions: true, styleTitle: colors.bold });
  for (const name of GLOBAL_OPTIONS) addOption(program, name);
  for (const [name, spec] of Object.entries(COMMANDS) as [CommandName, CommandSpec][]) {
    const command = program.command(name).description(spec.description);
    for (const [at, argument] of (spec.arguments?.split(' ') ?? []).entries()) {
      command.argument(argument, at === 0 ? spec.argumentDescription : undefined); // which is about all of them
    }
    for (const option of spec.options) addOption(command, option);
    command.action(() => {
      receive(name, command.args, command.optsWithGlobals());
    });
  }
  return program;
}

/** Every boolean has a hidden `--no-` form, so that the command line can undo what the file says. */
function addOption(command: Command, name: OptionName): void {
  const spec = optionSpec(name);
  const long = flagOf(name);
  const flags = `${spec.short === undefined ? '' : `-${spec.short}, `}${long}`;
  if (spec.type === 'boolean') {
    const negated = new Option(long.replace('--', '--no-'), 'never use colors');
    command.addOption(new Option(flags, spec.description)).addOption(name === 'color' ? negated : negated.hideHelp());
    return;
  }
  const value = spec.value ?? 'VALUE';
  const option = new Option(`${flags} <${value}>`, spec.description + optionNotes(name));
  option.negate = false; // commander would take --no-cache for the opposite of --cache
  if (spec.alone !== undefined) option.flags = usageOf(name); // as help shows it
  const once = (value: string, previous: unknown): string => {
    if (previous !== undefined) throw new InvalidArgumentError('It is given twice.');
    return value;
  };
  const collect = (value: string, previous: unknown): string[] => [
    ...((previous as string[] | undefined) ?? []),
    value,
  ];
  command.addOption(option.argParser<unknown>(spec.repeatable === true ? collect : once));
}

/** commander's message, in this project's form: `error: unknown option '--x'\n(Did you mean --y?)`. */
function usageError(error: CommanderError): StackError {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const meant = /\(Did you mean (.+)\?\)/.exec(suggestion ?? '')?.[1];
  return new StackError('STACK1001', first.replace(/\.$/, ''), {
    hint: meant === undefined ? 'stack --help lists commands and options' : `did you mean ${meant}?`,
  });
}

/** `stack help deplyo`: commander only shows the help again. */
function unknownTopic(argv: readonly string[]): StackError {
  const topic = argv[argv.indexOf('help') + 1] ?? '';
  const meant = didYouMean(topic, Object.keys(COMMANDS));
  return new StackError('STACK1001', `unknown command '${topic}'`, {
    hint: meant === undefined ? 'stack --help lists commands and options' : `did you mean ${meant}?`,
  });
}
