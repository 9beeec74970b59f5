import { parseArguments, type Parsed } from '../../lib/cli/parse';
import { StackError } from '../../lib/core';

const style = { version: '1.2.3', width: 80, color: false };

function parse(line: string): Parsed {
  return parseArguments(
    line.split(' ').filter((word) => word !== ''),
    style,
  );
}

function failureOf(line: string): StackError {
  try {
    parse(line);
  } catch (error) {
    if (StackError.is(error)) return error;
  }
  throw new Error('nothing was thrown');
}

describe('parseArguments', () => {
  test.each([
    ['deploy', { command: 'deploy', operands: [], flags: {} }],
    ['deploy kernel !ovmf', { command: 'deploy', operands: ['kernel', '!ovmf'], flags: {} }],
    ['deploy --to a --to=b x', { command: 'deploy', operands: ['x'], flags: { to: ['a', 'b'] } }],
    [
      'deploy -a x --dry-run --tag 1',
      { command: 'deploy', operands: [], flags: { app: 'x', dryRun: true, tag: ['1'] } },
    ],
    ['-a x -jq ls', { command: 'ls', operands: [], flags: { app: 'x', json: true, quiet: true } }],
    ['-c a=1 ls -c b=2', { command: 'ls', operands: [], flags: { context: ['a=1', 'b=2'] } }],
    ['ls --no-color', { command: 'ls', operands: [], flags: { color: false } }],
    ['ls --json --no-json', { command: 'ls', operands: [], flags: { json: false } }],
    ['inspect kernel --to oci:x', { command: 'inspect', operands: ['kernel'], flags: { to: ['oci:x'] } }],
    ['ls -- --json', { command: 'ls', operands: ['--json'], flags: {} }],
  ])('reads %j', (line, expected) => {
    expect(parse(line)).toEqual({ kind: 'command', ...expected });
  });

  test.each([
    ['deplyo', "unknown command 'deplyo'", 'did you mean deploy?'],
    ['deploy --fromat tar', "unknown option '--fromat'", 'did you mean --format?'],
    ['ls --zzz', "unknown option '--zzz'", 'stack --help lists commands and options'],
    ['ls --frozen', "unknown option '--frozen'", undefined],
    ['deploy --to', "option '--to <TARGET>' argument missing", undefined],
    ['inspect', "missing required argument 'image'", undefined],
    ['inspect a b', "too many arguments for 'inspect'. Expected 1 argument but got 2", undefined],
    ['ls -o a -o b', "option '-o, --output <DIR>' argument 'b' is invalid. It is given twice", undefined],
    ['help deplyo', "unknown command 'deplyo'", 'did you mean deploy?'],
  ])('refuses %j', (line, message, hint) => {
    const error = failureOf(line);
    expect(error).toMatchObject({ code: 'STACK1001', exitStatus: 2, message });
    if (hint !== undefined) expect(error.hint).toBe(hint);
  });

  test('gives the version and the help as texts', () => {
    expect(parse('--version')).toEqual({ kind: 'text', text: '1.2.3\n', missing: false });
    expect(parse('--help')).toMatchObject({
      kind: 'text',
      text: expect.stringContaining('deploy') as string,
      missing: false,
    });
    expect(parse('help')).toEqual(parse('--help'));
  });

  test('shows the help when no command is named', () => {
    expect(parse('')).toMatchObject({
      kind: 'text',
      missing: true,
      text: expect.stringContaining('Usage: stack') as string,
    });
  });

  test('shows the options of a command and the global ones, hiding the negations', () => {
    const parsed = parse('deploy --help');
    const text = parsed.kind === 'text' ? parsed.text : '';
    expect(text).toContain('--outputs-file <FILE>');
    expect(text).toContain('Global Options:');
    expect(text).toContain('--no-color');
    expect(text).not.toContain('--no-json');
  });
});
