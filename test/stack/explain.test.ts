import { explainPaths } from '../../lib/stack';
import { combine, directory, file, link, opaque, whiteout } from './combination';

const pathsOf = (layers: Parameters<typeof combine>[0], pattern: string): string[] =>
  explainPaths(combine(layers), pattern).paths.map(({ path, components }) => `${path} ${components.join('+')}`);

test('each path that containers see is told once, with those that provide it', () => {
  const layers = {
    ab: [
      directory('etc'),
      file('etc/base'),
      file('etc/x', '1'),
      file('etc/gone'),
      directory('d'),
      file('d/x'),
      file('o/x'),
    ],
    a: [file('etc/x', '2'), whiteout('etc/gone'), file('.dot')],
    b: [file('d'), opaque('o'), file('o/y'), file('etc/base')],
  };
  expect(pathsOf(layers, '/')).toEqual(['/.dot a', '/d b', '/etc a+b', '/etc/base b', '/etc/x a', '/o b', '/o/y b']);
  expect(pathsOf(layers, '/etc/*')).toEqual(['/etc/base b', '/etc/x a']);
  expect(pathsOf(layers, '/none')).toEqual([]);
});

test('paths are where the links of the layers below lead', () => {
  const usr = [directory('usr'), directory('usr/lib'), link('lib', 'usr/lib')];
  const layers = { ab: usr, a: [file('lib/x')], b: [file('y')] };
  expect(pathsOf(layers, '/usr/**')).toEqual(['/usr a+b', '/usr/lib a+b', '/usr/lib/x a']);
});

test('the first thousand are told, and all are counted', () => {
  const files = Array.from({ length: 1500 }, (_, at) => file(`f${String(at)}`));
  const { paths, count } = explainPaths(combine({ a: files }), '/f*');
  expect([paths.length, count]).toEqual([1000, 1500]);
});
