import { asStackError, errorDocument, errorReport } from '../../../lib/cli/render/error';
import { styleOf } from '../../../lib/cli/io';
import { StackError, joinErrors } from '../../../lib/core';
import { RecordedStream, plainStyle } from '../stream';
import { directoryWith } from '../temporary';

const directory = directoryWith({
  'lib/images.ts': ['const a = 1;', '', "\tnew StackedImage(app, 'combined', [kernel, ovmf]);"].join('\n'),
});
const context = { style: plainStyle, directory, debug: false };

const located = new StackError('STACK2003', 'two images are named "kernel"', {
  constructPath: 'images/combined',
  source: 'lib/images.ts:3:6',
  hint: 'give one of them\nanother imageName',
});

describe('errorReport', () => {
  test('tells code, message, construct, the line of the user and a hint', () => {
    const report = errorReport(located, { ...context, constructOf: () => 'StackedImage' });
    expect(report).toBe(
      [
        'error STACK2003: two images are named "kernel"',
        '  at images/combined (StackedImage)',
        '  created at lib/images.ts:3:6',
        "    3 │ new StackedImage(app, 'combined', [kernel, ovmf]);",
        '      │     ^',
        '  hint: give one of them another imageName',
        '',
      ].join('\n'),
    );
  });

  test('leaves out what is not known', () => {
    expect(errorReport(new StackError('STACK7001', 'the store is broken'), context)).toBe(
      'error STACK7001: the store is broken\n',
    );
    const placed = new StackError('STACK1003', 'wrong', { source: 'cdk-stack.json:1:1' });
    expect(errorReport(placed, context)).toBe('error STACK1003: wrong\n  at cdk-stack.json:1:1\n');
  });

  test('counts the errors of a report of several', () => {
    const error = joinErrors([new StackError('STACK2003', 'one'), new StackError('STACK2006', 'two')]);
    expect(errorReport(error, context)).toBe('error STACK2003: one\n\nerror STACK2006: two\n\n2 errors\n');
  });

  test('indents the further lines of a message', () => {
    expect(errorReport(new StackError('STACK2001', 'first\nsecond'), context)).toBe(
      'error STACK2001: first\n  second\n',
    );
  });

  test('shortens a long line of code to the screen', () => {
    const report = errorReport(located, { ...context, width: 40 });
    expect(report).toContain("    3 │ new StackedImage(app, 'combine…\n");
  });

  test('lets nothing from outside act on the terminal', () => {
    const error = new StackError('STACK2006', 'a\x1b[2Jb', {
      constructPath: 'x\x07y\nz',
      hint: '\x1b]0;t\x07h',
      source: '\x1b[1mf:1:1',
    });
    expect(errorReport(error, context)).toBe('error STACK2006: ab\n  at xy z\n  created at f:1:1\n  hint: h\n');
  });

  test.each(['../outside:1:1', 'lib/images.ts:99:1', 'lib/images.ts:2:1', 'lib:1:1', 'no place', '/dev/zero:1:1'])(
    'tells a place it cannot show: %s',
    (source) => {
      expect(errorReport(new StackError('STACK2006', 'm', { source }), context)).toBe(
        `error STACK2006: m\n  at ${source}\n`,
      );
    },
  );

  test('adds traces and causes with --debug only', () => {
    const error = new StackError('STACK3003', 'cannot read', { cause: new Error('EIO: i/o error') });
    expect(errorReport(error, context)).not.toContain('error.test.ts');
    const report = errorReport(error, { ...context, debug: true });
    expect(report).toContain('error.test.ts');
    expect(report).toContain('caused by Error: EIO: i/o error');
  });

  test('colors the code, not the message', () => {
    const style = styleOf(new RecordedStream(), {}, true);
    expect(errorReport(new StackError('STACK2006', 'm'), { ...context, style })).toBe(
      '\x1b[31m\x1b[1merror\x1b[22m\x1b[39m \x1b[31mSTACK2006:\x1b[39m m\n',
    );
  });
});

describe('a fault of cdk-stack', () => {
  const error = asStackError(new TypeError('x is not a function'), 'https://example.org/issues');

  test('is STACK9001, ends with status 70 and shows its trace', () => {
    expect(error).toMatchObject({ code: 'STACK9001', exitStatus: 70 });
    const report = errorReport(error, context);
    expect(report).toMatch(
      /^error STACK9001: cdk-stack is at fault: x is not a function\n {2}hint: please report .*issues\n/,
    );
    expect(report).toContain('  caused by TypeError: x is not a function\n');
    expect(report).toContain('error.test.ts');
  });

  test('may be anything that was thrown', () => {
    expect(asStackError('text', 'x').message).toBe('cdk-stack is at fault: text');
    expect(asStackError(located, 'x')).toBe(located);
  });
});

test('errorDocument is the JSON form of the error', () => {
  expect(errorDocument(located)).toEqual({
    error: {
      code: 'STACK2003',
      message: 'two images are named "kernel"',
      path: 'images/combined',
      source: 'lib/images.ts:3:6',
      hint: 'give one of them\nanother imageName',
    },
  });
});
