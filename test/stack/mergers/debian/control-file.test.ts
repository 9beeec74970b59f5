import * as fc from 'fast-check';
import { unlessMalformed } from '../../../../lib/stack/mergers/malformed';
import { formatStanzas, parseStanzas, valueOf, type Stanza } from '../../../../lib/stack/mergers/debian/control-file';

function parse(text: string | Buffer): Stanza[] | string {
  return unlessMalformed(
    () => parseStanzas(Buffer.from(text as string)),
    (why): Stanza[] | string => why,
  );
}

test('a control file gives its stanzas, with fields that may have several lines', () => {
  const stanzas = parse('Package: a\nDescription: short\n long\n  .\n\n\n\nPackage:b\nOdd-1:\n x\n');
  if (typeof stanzas === 'string') throw new Error(stanzas);
  expect(stanzas.map(({ fields }) => [...fields.keys()])).toEqual([
    ['package', 'description'],
    ['package', 'odd-1'],
  ]);
  expect(valueOf(stanzas[0]!, 'description')).toBe('short\n long\n  .');
  expect(valueOf(stanzas[1]!, 'package')).toBe('b');
  expect(valueOf(stanzas[1]!, 'section')).toBe('');
});

test.each([
  ['', []],
  ['\n\n', []],
  [' a\n', 'has a continued line without a field in its stanza 1'],
  ['a: 1\nb\n', 'has a line without a field in its stanza 1'],
  ['a: 1\nA: 2\n\n', 'has a field twice in its stanza 1'],
  ['a: 1\n: 2\n\n', 'has a line without a field in its stanza 1'],
  ['a: 1\n-x: 2\n', 'has a line without a field in its stanza 1'],
  ['a: 1\n#x: 2\n', 'has a line without a field in its stanza 1'],
])('%j is read as %j', (text, expected) => {
  expect(parse(text)).toEqual(expected);
});

test('any bytes of values are kept', () => {
  const anyLine = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)));
  const anyField = fc.array(anyLine, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.array(anyField, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), (stanzas) => {
      const lines = stanzas.flatMap((fields) => [
        ...fields.flatMap((field, at) => [
          Buffer.from(`F${String(at)}:`),
          ...field.flatMap((line, number) => [...(number === 0 ? [] : [Buffer.from(' ')]), line, Buffer.from('\n')]),
        ]),
        Buffer.from('\n'),
      ]);
      const content = Buffer.concat(lines);
      expect(formatStanzas(parseStanzas(content)).equals(content)).toBe(true);
    }),
  );
});

test.each([
  ['lines', Buffer.alloc(10_000_000, '\n'), 'has more than 5000000 lines'],
  ['stanzas', Buffer.from('a: b\n\n'.repeat(300_000)), 'has more than 200000 records'],
  [
    'fields',
    Buffer.from(Array.from({ length: 1000 }, (_, at) => `f${String(at)}: x\n`).join('')),
    'has more than 500 fields in its stanza 1',
  ],
])('a file of too many %s is refused', (_what, content, expected) => {
  expect(parse(content)).toBe(expected);
});
