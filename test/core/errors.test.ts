import * as fs from 'node:fs';
import { errnoOf, joinErrors, messageOf, StackError, writeFailure } from '../../lib/core';

function systemError(): unknown {
  try {
    return fs.readFileSync('/proc/self/nothing');
  } catch (error) {
    return error;
  }
}

const withCode = (code: string): Error => Object.assign(new Error(`${code}: what happened`), { code });

describe('StackError', () => {
  test('is told apart by its marker, also one of another copy of the package', () => {
    const foreign = Object.defineProperty({}, Symbol.for('cdk-stack.StackError'), { value: true });
    expect(StackError.is(new StackError('STACK2003', 'x'))).toBe(true);
    expect(StackError.is(foreign)).toBe(true);
    for (const other of [new Error('x'), undefined, null, 'x']) expect(StackError.is(other)).toBe(false);
  });

  test('gets a place once', () => {
    const error = new StackError('STACK2003', 'x', { hint: 'do', cause: 1 });
    const placed = error.at({ constructPath: 'a/b', source: 'app.ts:1:2' });
    expect(placed).toMatchObject({
      code: 'STACK2003',
      hint: 'do',
      cause: 1,
      constructPath: 'a/b',
      source: 'app.ts:1:2',
    });
    expect(placed.stack).toBe(error.stack);
    expect(placed.at({ constructPath: 'other' })).toBe(placed);
    const joined = joinErrors([error, placed.at({}), new StackError('STACK2006', 'y')]).at({ constructPath: 'c' });
    expect(joined.all().map(({ constructPath }) => constructPath)).toEqual(['c', 'a/b', 'c']);
  });

  test('has the exit status of its code', () => {
    expect(new StackError('STACK2003', 'x').exitStatus).toBe(4);
    expect(new StackError('STACK9001', 'x').exitStatus).toBe(70);
  });

  test('is plain data as JSON', () => {
    const error = new StackError('STACK2003', 'x', { constructPath: 'a', source: 'f:1:1', hint: 'h' }, [
      new StackError('STACK2006', 'y'),
    ]);
    expect(error.toJSON()).toEqual({
      code: 'STACK2003',
      message: 'x',
      path: 'a',
      source: 'f:1:1',
      hint: 'h',
      others: [{ code: 'STACK2006', message: 'y' }],
    });
  });
});

describe('joinErrors', () => {
  test('makes one report of all errors, those of reports included', () => {
    const [a, b, c] = (['a', 'b', 'c'] as const).map((message) => new StackError('STACK2006', message));
    const joined = joinErrors([joinErrors([a!, b!]), c!]);
    expect(joined.all().map(({ message }) => message)).toEqual(['a', 'b', 'c']);
    expect(joined.others.every(({ others }) => others.length === 0)).toBe(true);
  });

  test('gives a single error as it is', () => {
    const error = new StackError('STACK2006', 'a');
    expect(joinErrors([error])).toBe(error);
  });
});

describe('errnoOf', () => {
  test.each([
    [systemError(), 'ENOENT'],
    [withCode('ERR_INVALID_ARG_TYPE'), undefined],
    [withCode('ABORT_ERR'), undefined],
    [{ code: 20 }, undefined],
    [null, undefined],
    ['ENOENT', undefined],
  ])('of %p is %p', (error, errno) => {
    expect(errnoOf(error)).toBe(errno);
  });
});

describe('writeFailure', () => {
  test.each(['ENOSPC', 'EDQUOT'])('tells a full disk (%s)', (errno) => {
    expect(writeFailure('STACK6003', 'the layout', withCode(errno))).toMatchObject({
      code: 'STACK7002',
      message: 'no space left while writing the layout',
    });
  });

  test('keeps the cause of everything else', () => {
    const cause = withCode('EROFS');
    expect(writeFailure('STACK6003', 'the layout', cause)).toMatchObject({
      code: 'STACK6003',
      message: 'cannot write the layout: EROFS: what happened',
      cause,
    });
  });

  test('lets our own errors through', () => {
    const error = new StackError('STACK4001', 'x');
    expect(writeFailure('STACK6003', 'y', error)).toBe(error);
  });

  test('takes whatever was thrown', () => {
    expect(messageOf('text')).toBe('text');
    expect(writeFailure('STACK6003', 'y', 'text').message).toBe('cannot write y: text');
  });
});
