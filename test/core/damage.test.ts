import { damagedFile, damagedFilesOf, joinErrors, StackError } from '../../lib/core';

describe('the damaged files that an error is about', () => {
  test('are told however often it was wrapped', () => {
    const damage = damagedFile('/a').at({ constructPath: 'x', source: undefined });
    expect(damage).toMatchObject({ code: 'STACK7004', constructPath: 'x' });
    expect(damagedFilesOf(damage)).toEqual(['/a']);
    expect(damagedFilesOf(new StackError('STACK4001', 'wrapped', { cause: damage }))).toEqual(['/a']);
  });

  test('are those of a whole report, each once', () => {
    const report = joinErrors([damagedFile('/a'), damagedFile('/b', new Error('EIO')), damagedFile('/a')]);
    expect(damagedFilesOf(report)).toEqual(['/a', '/b']);
  });

  test('are none when something else failed, too', () => {
    expect(damagedFilesOf(joinErrors([damagedFile('/a'), new StackError('STACK3003', 'gone')]))).toEqual([]);
    expect(damagedFilesOf(new Error('other'))).toEqual([]);
  });
});
