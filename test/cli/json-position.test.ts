import { offsetOfKey, positionAt } from '../../lib/cli/json-position';

const text = `{
  "app": "to: \\"output\\"",
  "context": { "output": 1, "list": ["output", { "to": 2 }] },
  "output" : 3,
  "\\u0074o": 4
}`;

describe('offsetOfKey', () => {
  test.each([
    ['app', '2:3'],
    ['context', '3:3'],
    ['output', '4:3'],
    ['to', '5:3'],
    ['list', '1:1'],
    ['nothing', '1:1'],
  ])('finds the member %s of the object itself at %s', (key, expected) => {
    const { line, column } = positionAt(text, offsetOfKey(text, key));
    expect(`${String(line)}:${String(column)}`).toBe(expected);
  });
});
