import {
  COMMANDS,
  GLOBAL_OPTIONS,
  OPTIONS,
  OPTION_NAMES,
  flagOf,
  optionSpec,
  variableOf,
  type CommandSpec,
} from '../../lib/cli/options';
import { layerFormatSchema } from '../../lib/plan/schema';

const commands = Object.values(COMMANDS) as readonly CommandSpec[];

describe('the option table', () => {
  test('names options alike on the command line, in the file and in the environment', () => {
    expect([flagOf('outputsFile'), variableOf('outputsFile')]).toEqual(['--outputs-file', 'STACK_OUTPUTS_FILE']);
    expect([flagOf('to'), variableOf('to')]).toEqual(['--to', 'STACK_TO']);
  });

  test('gives every option to every command or to some', () => {
    const used = new Set([...GLOBAL_OPTIONS, ...commands.flatMap((command) => command.options)]);
    expect([...used].sort()).toEqual([...OPTION_NAMES].sort());
    for (const command of commands)
      expect(command.options.filter((name) => GLOBAL_OPTIONS.some((global) => global === name))).toEqual([]);
  });

  test('uses a letter for one option only', () => {
    const letters = OPTION_NAMES.flatMap((name) => optionSpec(name).short ?? []);
    expect(new Set(letters).size).toBe(letters.length);
  });

  test('offers the layer formats a plan can have', () => {
    expect(OPTIONS.format.choices).toEqual(layerFormatSchema.options);
  });

  test('takes no variable of the handshake with the app for an option', () => {
    const variables = OPTION_NAMES.map(variableOf);
    for (const taken of ['STACK_OUTDIR', 'STACK_CONTEXT_FILE', 'STACK_ERROR_FILE', 'STACK_CLI_VERSION', 'STACK_HOME']) {
      expect(variables).not.toContain(taken);
    }
  });
});
