import { RunOutput } from '../../lib/build/run-output';

function written(...chunks: readonly (readonly [Buffer | string, string])[]): { lines: string[]; tail: string } {
  const lines: string[] = [];
  const output = new RunOutput((line) => lines.push(line));
  for (const [chunk, stream] of chunks) output.write(Buffer.from(chunk), stream);
  output.end();
  return { lines, tail: output.tail() };
}

test('lines come whole, wherever chunks end', () => {
  expect(written(['on', 'out'], ['e\ntw', 'out'], ['o\n', 'out']).lines).toEqual(['one', 'two']);
});

test('a character that is cut by a chunk is not broken', () => {
  const bytes = Buffer.from('käse\n');
  expect(written([bytes.subarray(0, 2), 'out'], [bytes.subarray(2), 'out']).lines).toEqual(['käse']);
});

test("two streams do not get into each other's lines", () => {
  expect(written(['a', 'out'], ['+ cmd\n', 'err'], ['b\n', 'out']).lines).toEqual(['+ cmd', 'ab']);
});

test('a last line without an end is a line', () => {
  expect(written(['x\nlast', 'out'])).toEqual({ lines: ['x', 'last'], tail: 'x\nlast' });
});

test('the tail is the last lines, and bounded', () => {
  const many = Array.from({ length: 50 }, (_, i) => `line ${String(i)}\n`).join('');
  expect(written([many, 'out']).tail.split('\n')).toEqual(
    Array.from({ length: 20 }, (_, i) => `line ${String(i + 30)}`),
  );
  expect(written(['x'.repeat(1_000_000), 'out']).tail.length).toBeLessThan(10_000);
});
