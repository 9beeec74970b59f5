import { freeStart, subordinateRange } from '../../../lib/build/sandbox/subordinate-ids';

const FILE = ['# comment', 'ada:100000:65536', 'bob:165536:1000', '1002:300000:70000', 'ada:400000:65536', ''].join(
  '\n',
);

describe('the subordinate ids of a user', () => {
  test('are the first range given to the name', () => {
    expect(subordinateRange(FILE, 'ada', 1000)).toEqual({ first: 100000, count: 65536 });
  });

  test('are found by number, too', () => {
    expect(subordinateRange(FILE, 'cyd', 1002)).toEqual({ first: 300000, count: 70000 });
  });

  test('are none where the user is not named', () => {
    expect(subordinateRange(FILE, 'ad', 1003)).toBeUndefined();
    expect(subordinateRange('', 'ada', 1000)).toBeUndefined();
  });

  test('do not come from lines that are not of the form', () => {
    expect(subordinateRange('ada:x:65536\nada:1\nada', 'ada', 1000)).toBeUndefined();
  });
});

describe('a free range', () => {
  test('starts behind all that are given', () => {
    expect(freeStart(FILE, 'x:500000:10\n')).toBe(500010);
  });

  test('starts where distributions start when none is given', () => {
    expect(freeStart('', '')).toBe(100000);
  });
});
