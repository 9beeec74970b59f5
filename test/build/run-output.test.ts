import { RunOutput } from '../../lib/build/run-output';

function outputOf(...chunks: readonly (Buffer | string)[]): { output: RunOutput; lines: string[] } {
  const lines: string[] = [];
  const output = new RunOutput((line) => lines.push(line));
  for (const chunk of chunks) output.write(Buffer.from(chunk));
  output.end();
  return { output, lines };
}

test('lines come whole, wherever chunks end', () => {
  expect(outputOf('on', 'e\ntw', 'o\n').lines).toEqual(['one', 'two']);
});

test('a character that is cut by a chunk is not broken', () => {
  const bytes = Buffer.from('käse\n');
  expect(outputOf(bytes.subarray(0, 2), bytes.subarray(2)).lines).toEqual(['käse']);
});

test('a last line without an end is a line', () => {
  const { output, lines } = outputOf('x\nlast');
  expect({ lines, tail: output.tail() }).toEqual({ lines: ['x', 'last'], tail: 'x\nlast' });
});

test('the tail is the last lines, and bounded', () => {
  const many = Array.from({ length: 50 }, (_, i) => `line ${String(i)}\n`).join('');
  expect(outputOf(many).output.tail().split('\n')).toEqual(
    Array.from({ length: 20 }, (_, i) => `line ${String(i + 30)}`),
  );
  expect(outputOf('x'.repeat(1_000_000)).output.tail().length).toBeLessThan(10_000);
});

test('the last command is known, also behind output without an end of line', () => {
  const lastOf = (...chunks: string[]): string | undefined =>
    outputOf(...chunks).output.lastCommand('printf abc\n  false\necho 1 + 2');
  expect(lastOf('+ printf abc\nabc+ false\n')).toBe('false');
  expect(lastOf('+ printf abc\n', 'abc+ fa', 'lse')).toBe('false');
  expect(lastOf('+ echo 1 + 2\n1 + 2\n')).toBe('echo 1 + 2');
  expect(lastOf('x+ false\n+ printf abc\n')).toBe('printf abc');
  expect(lastOf('nothing\n')).toBeUndefined();
});

test.each([
  "OSError: [Errno 18] Invalid cross-device link: '/etc/a' -> '/etc/b'",
  'Error: EXDEV: cross-device link not permitted, rename',
  'mv: cannot rename: Cross-device link',
])('%j is known to be about renaming across file systems', (line) => {
  expect(outputOf(`${line}\n`).output.saysCrossDevice).toBe(true);
  expect(outputOf('EXDEVICE\n').output.saysCrossDevice).toBe(false);
});
