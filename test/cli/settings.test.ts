import * as fs from 'node:fs';
import * as path from 'node:path';
import { appOf, moveTarget, resolveSettings, type Settings } from '../../lib/cli/settings';
import type { RawFlags } from '../../lib/cli/parse';
import { StackError } from '../../lib/core';
import { directoryWith } from './temporary';

interface Given {
  readonly flags?: RawFlags;
  readonly env?: NodeJS.ProcessEnv;
  readonly file?: unknown;
}

function settingsOf({ flags = {}, env = {}, file = { app: 'x' } }: Given): Settings {
  return resolveSettings({ flags, env, cwd: directoryWith(file === null ? {} : { 'cdk-stack.json': file }) });
}

function failureOf(given: Given): StackError {
  try {
    appOf(settingsOf(given));
  } catch (error) {
    if (StackError.is(error)) return error;
  }
  throw new Error('nothing was thrown');
}

describe('resolveSettings', () => {
  test('has a default for everything that needs one', () => {
    expect(settingsOf({})).toMatchObject({
      app: 'x',
      output: 'synth.out',
      to: ['oci:./oci'],
      json: false,
      progress: 'auto',
      context: {},
      color: undefined,
      format: undefined,
    });
  });

  test.each<[string, Given, unknown]>([
    ['the file over the default', { file: { app: 'x', output: 'file' } }, 'file'],
    ['the environment over the file', { env: { STACK_OUTPUT: 'env' }, file: { app: 'x', output: 'file' } }, 'env'],
    [
      'the command line over all',
      { flags: { output: 'flag' }, env: { STACK_OUTPUT: 'env' }, file: { app: 'x', output: 'file' } },
      'flag',
    ],
    ['the file over an empty variable', { env: { STACK_OUTPUT: '' }, file: { app: 'x', output: 'file' } }, 'file'],
  ])('takes %s', (_what, given, expected) => {
    const directory = directoryWith({ 'cdk-stack.json': given.file });
    const settings = resolveSettings({ flags: given.flags ?? {}, env: given.env ?? {}, cwd: directory });
    expect(settings.output).toBe(expected);
  });

  test('lets the command line undo what the file says', () => {
    expect(settingsOf({ flags: { json: false }, file: { app: 'x', json: true } }).json).toBe(false);
  });

  test.each<[string, Given, Partial<Settings>]>([
    [
      'booleans',
      { env: { STACK_FROZEN: 'true', STACK_QUIET: '0', STACK_DRY_RUN: 'ON' } },
      { frozen: true, quiet: false, dryRun: true },
    ],
    ['numbers', { env: { STACK_CONCURRENCY: '3' } }, { concurrency: 3 }],
    ['lists', { env: { STACK_FORMAT: 'tar, squashfs' } }, { format: ['tar', 'squashfs'] }],
    ['context', { env: { STACK_CONTEXT: '{"a":[1]}' } }, { context: { a: [1] } }],
  ])('reads %s of the environment', (_what, given, expected) => {
    expect(settingsOf(given)).toMatchObject(expected);
  });

  test('accepts a list or a single value in the file where an option is repeatable', () => {
    expect(settingsOf({ file: { app: 'x', format: 'tar', tag: ['a', 'b'] } })).toMatchObject({
      format: ['tar'],
      tag: ['a', 'b'],
    });
  });

  test('adds up context key by key, and keeps its types', () => {
    const settings = settingsOf({
      flags: { context: ['debug=false', 'size=3', 'name=kernel', 'x={"y":1}', 'eq=a=b'], contextString: ['version=3'] },
      env: { STACK_CONTEXT: '{"size":2,"env":true}' },
      file: { app: 'x', context: { size: 1, file: null } },
    });
    expect(settings.context).toEqual({
      debug: false,
      size: 3,
      name: 'kernel',
      x: { y: 1 },
      eq: 'a=b',
      version: '3',
      env: true,
      file: null,
    });
  });

  test('keeps a context key named __proto__ a plain key', () => {
    const { context } = settingsOf({ flags: { context: ['__proto__={"a":1}'] } });
    expect(JSON.stringify(context)).toBe('{"__proto__":{"a":1}}');
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  test('finds the file above the current directory, and moves paths of the command line to it', () => {
    const root = directoryWith({ 'cdk-stack.json': { app: 'x', output: 'file.out' }, 'a/b/keep': '' });
    const cwd = path.join(root, 'a', 'b');
    const file = resolveSettings({ flags: {}, env: {}, cwd });
    expect(file).toMatchObject({ directory: root, output: 'file.out', to: ['oci:./oci'] });
    const flags = { output: 'out', to: ['oci:./x', 'oci:../../y', 'oci:/z'], outputsFile: '../../../o.json' };
    expect(resolveSettings({ flags, env: {}, cwd })).toMatchObject({
      output: 'a/b/out',
      to: ['oci:./a/b/x', 'oci:./y', 'oci:/z'],
      outputsFile: path.join(path.dirname(root), 'o.json'),
    });
  });

  test('takes an app that is a directory from where the caller stands, and a command as it is', () => {
    const root = directoryWith({ 'cdk-stack.json': { app: 'x' }, 'a/out/manifest.json': '{}' });
    const cwd = path.join(root, 'a');
    expect(resolveSettings({ flags: { app: 'out' }, env: {}, cwd }).app).toBe(path.join(cwd, 'out'));
    expect(resolveSettings({ flags: { app: 'node out' }, env: {}, cwd }).app).toBe('node out');
  });

  test('needs no file when the app is named', () => {
    const cwd = directoryWith();
    expect(resolveSettings({ flags: { app: 'x' }, env: {}, cwd })).toMatchObject({ app: 'x', directory: cwd });
  });

  test('needs no app by itself', () => {
    expect(settingsOf({ file: null, flags: { keepStorage: '1GB' } })).toMatchObject({
      app: undefined,
      keepStorage: 1e9,
    });
  });

  test('says what to do when there is neither, but one is needed', () => {
    expect(failureOf({ file: null })).toMatchObject({
      code: 'STACK1002',
      exitStatus: 2,
      message: 'there is no cdk-stack.json in this directory or above it',
      hint: 'run stack inside a project, or name the app with --app',
    });
    expect(failureOf({ file: {} })).toMatchObject({ code: 'STACK1003', message: 'cdk-stack.json names no app' });
  });

  test('tells all problems of the file at once, each with its place and a suggestion', () => {
    const file = [
      '{',
      '  "$schema": "s",',
      '  "aap": "x",',
      '  "output": 3,',
      '  "format": ["squash"],',
      '  "context": []',
      '}',
    ];
    expect(
      failureOf({ file: file.join('\n') })
        .all()
        .map((error) => error.toJSON()),
    ).toMatchObject([
      {
        code: 'STACK1003',
        message: `'aap' in cdk-stack.json is not known`,
        source: 'cdk-stack.json:3:3',
        hint: `did you mean 'app'?`,
      },
      {
        code: 'STACK1003',
        message: `'output' in cdk-stack.json must be a string, not 3`,
        source: 'cdk-stack.json:4:3',
      },
      {
        code: 'STACK1003',
        message: `'format' in cdk-stack.json must be one of tar, squashfs, not 'squash'`,
        source: 'cdk-stack.json:5:3',
        hint: 'did you mean squashfs?',
      },
      {
        code: 'STACK1003',
        message: `'context' in cdk-stack.json must be an object, not a list`,
        source: 'cdk-stack.json:6:3',
      },
    ]);
  });

  test('lists the known keys when none is near', () => {
    expect(failureOf({ file: { app: 'x', zzzzzz: 1 } }).hint).toMatch(/^known are app, build, context, output,/);
  });

  test.each<[string, unknown, string]>([
    ['a boolean', { json: 'true' }, `'json' in cdk-stack.json must be true or false, not "true"`],
    ['a number', { concurrency: '2' }, `'concurrency' in cdk-stack.json must be a number, not "2"`],
    [
      'a whole number',
      { concurrency: 1.5 },
      `'concurrency' in cdk-stack.json must be a whole number from 1, not '1.5'`,
    ],
    [
      'a large enough number',
      { concurrency: 0 },
      `'concurrency' in cdk-stack.json must be a whole number from 1, not '0'`,
    ],
    ['text', { output: '' }, `'output' in cdk-stack.json must not be empty`],
    ['an option of the file', { all: true }, `'all' in cdk-stack.json is not known`],
  ])('wants %s', (_what, file, message) => {
    expect(failureOf({ file })).toMatchObject({ code: 'STACK1003', message });
  });

  test('tells problems of the command line and the environment together', () => {
    const error = failureOf({
      flags: { context: ['x'], progress: 'baar' },
      env: { STACK_QUIET: 'maybe', STACK_CONTEXT: '[]' },
    });
    expect(error.all().map(({ code, message }) => `${code} ${message}`)).toEqual([
      "STACK1001 --context must be KEY=VALUE, not 'x'",
      "STACK1001 --progress must be one of auto, bar, plain, json, quiet, not 'baar'",
      "STACK1005 STACK_CONTEXT must be a JSON object, not '[]'",
      "STACK1005 STACK_QUIET must be true or false, not 'maybe'",
    ]);
  });

  test('points at the place where the file is no JSON', () => {
    expect(failureOf({ file: '{\n  "app": "x",\n}' })).toMatchObject({
      code: 'STACK1002',
      source: 'cdk-stack.json:3:1',
    });
  });

  test.each([
    ['a list', '[]', /does not hold a JSON object/],
    ['an enormous file', `{"app":"${'x'.repeat(1024 * 1024)}"}`, /more than the 1048576 allowed/],
  ])('refuses %s', (_what, file, message) => {
    expect(failureOf({ file })).toMatchObject({ code: 'STACK1002', message: expect.stringMatching(message) as string });
  });

  test('refuses a directory of the name', () => {
    const cwd = directoryWith();
    fs.mkdirSync(path.join(cwd, 'cdk-stack.json'));
    expect(() => resolveSettings({ flags: {}, env: {}, cwd })).toThrow(
      expect.objectContaining({ code: 'STACK1002' }) as Error,
    );
  });
});

describe('moveTarget', () => {
  test.each([
    ['oci:./oci', '/p', '/p', 'oci:./oci'],
    ['oci:out', '/p/a', '/p', 'oci:./a/out'],
    ['oci:../out', '/p/a', '/p', 'oci:./out'],
    ['oci:./oci', '/q', '/p', 'oci:/q/oci'],
    ['oci:/oci', '/q', '/p', 'oci:/oci'],
    ['registry.example/x', '/q', '/p', 'registry.example/x'],
  ])('turns %s of %s into that of %s', (target, from, to, expected) => {
    expect(moveTarget(target, from, to)).toBe(expected);
  });
});
