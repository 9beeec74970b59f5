import * as fs from 'node:fs';
import * as path from 'node:path';
import { App, StackError } from '../../lib';
import { directoryWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

function thrown(action: () => unknown): StackError {
  try {
    action();
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const VALUES = { yes: true, three: 3, text: 'a', list: [1], object: { a: 1 }, nothing: null };

test('values are read by their types', () => {
  const { context } = new App({ context: VALUES });
  expect([context.boolean('yes'), context.number('three'), context.string('text')]).toEqual([true, 3, 'a']);
  expect([context.list('list'), context.object('object')]).toEqual([[1], { a: 1 }]);
});

test('absent values, and null, are the fallback', () => {
  const { context } = new App({ context: VALUES });
  expect([context.boolean('x', false), context.number('nothing', 0), context.string('x', '')]).toEqual([false, 0, '']);
  expect([context.has('x'), context.has('nothing'), context.has('yes')]).toEqual([false, false, true]);
});

test('a value that must be there and is not is an error that says how to pass it', () => {
  const { context } = new App();
  expect(thrown(() => context.boolean('debug'))).toMatchObject({
    code: 'STACK2017',
    message: 'the context has no value "debug"',
    source: expect.stringMatching(/^test\/constructs\/context\.test\.ts:\d+:\d+$/) as string,
    hint: "pass it, such as -c 'debug=true'",
  });
});

test.each(['boolean', 'number', 'string', 'list', 'object'] as const)(
  'what is no %s is an error with its origin',
  (getter) => {
    const app = new App({ context: VALUES });
    const own = { boolean: 'yes', number: 'three', string: 'text', list: 'list', object: 'object' }[getter];
    for (const key of Object.keys(VALUES).filter((each) => each !== own && each !== 'nothing')) {
      expect(thrown(() => app.context[getter](key))).toMatchObject({
        code: 'STACK2017',
        message: expect.stringMatching(
          new RegExp(`^the value "${key}" of the context is .*, from new App\\(\\{ context \\}\\); it must be `),
        ) as string,
      });
    }
  },
);

test('a value of the command wins, and says by which option it came', () => {
  const directory = directoryWith({ 'context.json': '{"yes":"no"}', 'origins.json': '{"yes":"--context"}' });
  process.env['STACK_CONTEXT_FILE'] = path.join(directory, 'context.json');
  process.env['STACK_CONTEXT_ORIGINS_FILE'] = path.join(directory, 'origins.json');
  try {
    const { context } = new App({ context: VALUES });
    expect(thrown(() => context.boolean('yes')).message).toBe(
      'the value "yes" of the context is "no", from --context; it must be true or false',
    );
    fs.rmSync(path.join(directory, 'origins.json'));
    expect(thrown(() => new App()).code).toBe('STACK1005');
  } finally {
    delete process.env['STACK_CONTEXT_FILE'];
    delete process.env['STACK_CONTEXT_ORIGINS_FILE'];
  }
});
