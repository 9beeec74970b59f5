/** Line and column of a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an offset of a text is. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** Offset of a member's name in a valid JSON object, not in the objects inside it; 0 when it has none of that name. */
export function offsetOfKey(json: string, key: string): number {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  let depth = 0;
  for (const token of json.matchAll(tokens)) {
    const [text] = token;
    if (text === '{' || text === '[') depth += 1;
    else if (text === '}' || text === ']') depth -= 1;
    else if (depth === 1 && isName(json, token.index + text.length) && JSON.parse(text) === key) return token.index;
  }
  return 0;
}

/** A string is a member's name when a colon follows. */
function isName(json: string, end: number): boolean {
  return /^\s*:/.test(json.slice(end, end + 64));
}
