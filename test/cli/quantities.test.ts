import { durationOf, sizeOf } from '../../lib/cli/quantities';

describe('a size', () => {
  test.each([
    ['0B', 0],
    ['512B', 512],
    ['1kB', 1000],
    ['1KB', 1000],
    ['1 KiB', 1024],
    ['20GB', 20e9],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['0.1kB', 100],
    ['2TB', 2e12],
    ['1TiB', 1024 ** 4],
    ['3MB', 3e6],
    ['3MiB', 3 * 1024 ** 2],
  ])('%s is %d bytes', (text, bytes) => {
    expect(sizeOf(text)).toBe(bytes);
  });

  test.each([
    '',
    '20',
    'GB',
    '20gb',
    '20G',
    '20 GB ',
    '-1GB',
    '+1GB',
    '1e3B',
    '1,5GB',
    '.5GB',
    '5.GB',
    '20  GB',
    '1d',
    '1constructor',
    '999999999999999TB',
  ])('%j is none', (text) => {
    expect(sizeOf(text)).toBeUndefined();
  });
});

describe('a duration', () => {
  test.each([
    ['0s', 0],
    ['90s', 90],
    ['15m', 900],
    ['12h', 43_200],
    ['14d', 1_209_600],
    ['2w', 1_209_600],
    ['1.5h', 5400],
  ])('%s is %d seconds', (text, seconds) => {
    expect(durationOf(text)).toBe(seconds);
  });

  test.each(['', '14', 'd', '14D', '14 days', '1y', '1M', '1d12h', '-1d', 'toString'])('%j is none', (text) => {
    expect(durationOf(text)).toBeUndefined();
  });
});
