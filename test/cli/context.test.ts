import * as fc from 'fast-check';
import { resolveSettings } from '../../lib/cli/settings';
import { StackError } from '../../lib/core';
import { directoryWith } from './temporary';

/** What an app gets for `-c x=TEXT`. */
function given(text: string): unknown {
  return resolveSettings({ flags: { context: [`x=${text}`] }, env: {}, cwd: directoryWith({}) }).context['x'];
}

function failure(sources: Partial<Parameters<typeof resolveSettings>[0]>, file?: string): StackError {
  try {
    const cwd = directoryWith(file === undefined ? {} : { 'cdk-stack.json': file });
    resolveSettings({ flags: {}, env: {}, ...sources, cwd });
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a context value of the command line', () => {
  test.each([
    ['true', true],
    ['false', false],
    ['null', null],
    ['3', 3],
    ['-3', -3],
    ['0', 0],
    ['1.5', 1.5],
    ['9007199254740991', 9007199254740991],
    ['1e+21', 1e21],
    ['[]', []],
    [' {"a":[1.10,null]}', { a: [1.1, null] }],
  ])('%s is what it is', (text, value) => {
    expect(given(text)).toEqual(value);
  });

  test.each([
    '1.10',
    '1.0',
    '01',
    '+1',
    '-0',
    '.5',
    '5.',
    '12e4567',
    '1e5',
    '1E5',
    '0x10',
    '1_000',
    '12345678901234567890',
    '0.1234567890123456789',
    'NaN',
    'Infinity',
    '-Infinity',
    'True',
    'TRUE',
    'yes',
    'undefined',
    ' true',
    '3 ',
    '',
    '"quoted"',
    '{not json',
    '[1,]',
    '2024-01-02',
    '7fb1c02',
  ])('%j stays text', (text) => {
    expect(given(text)).toBe(text);
  });

  test('is never another text than the one written', () => {
    const characters = fc.constantFrom(...'0123456789.eE+-xn_tfulrasINiy ');
    const text = fc.oneof(fc.string(), fc.string({ unit: characters, maxLength: 24 }), fc.double().map(String));
    fc.assert(
      fc.property(text, (written) => {
        const value = given(written);
        expect(typeof value === 'object' && value !== null ? written : String(value)).toBe(written);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['[12345678901234567890]', '{"a":{"b":-0.12345678901234567890}}', '[1e400]', '{"1.10":"x","y":1e-400}'])(
    'with a number inside that would be rounded is an error: %s',
    (text) => {
      expect(failure({ flags: { context: [`x=${text}`] } })).toMatchObject({
        code: 'STACK1001',
        message: expect.stringMatching(
          /^--context of 'x' has the number \S+, which would not be kept exactly$/,
        ) as string,
        hint: 'write it in quotes, as text',
      });
    },
  );

  test('is text in any case with --context-string', () => {
    const flags = { contextString: ['a=true', 'b=1', 'c=[1]'] };
    expect(resolveSettings({ flags, env: {}, cwd: directoryWith({}) }).context).toEqual({
      a: 'true',
      b: '1',
      c: '[1]',
    });
  });
});

test('numbers that would be rounded are errors in the environment and in the file, with their place', () => {
  expect(failure({ env: { STACK_CONTEXT: '{"build":12345678901234567890}' } })).toMatchObject({
    code: 'STACK1005',
    message: 'STACK_CONTEXT has the number 12345678901234567890, which would not be kept exactly',
  });
  expect(failure({}, '{\n  "app": "x",\n  "context": { "build": 12345678901234567890 }\n}')).toMatchObject({
    code: 'STACK1003',
    source: 'cdk-stack.json:3:25',
  });
});

test('each key of the context knows where it was set', () => {
  const cwd = directoryWith({ 'cdk-stack.json': JSON.stringify({ app: 'x', context: { a: 1, b: 1, c: 1, d: 1 } }) });
  const env = { STACK_CONTEXT: '{"b":2,"c":2}' };
  const { contextOrigins } = resolveSettings({ flags: { context: ['c=3'], contextString: ['e=3'] }, env, cwd });
  expect(contextOrigins).toEqual({
    a: 'cdk-stack.json',
    b: 'STACK_CONTEXT',
    c: '--context',
    d: 'cdk-stack.json',
    e: '--context-string',
  });
});
