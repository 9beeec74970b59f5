/** The words of a command line, or why it has none. */
export type Words = { readonly words: readonly string[] } | { readonly fault: string };

/** Characters by which a shell does more than splitting, outside of quotes (POSIX XCU 2.2, 2.13). */
const NEEDS_SHELL = new Set('|&;<>()$`*?[\n');
/** Characters a backslash quotes inside double quotes (POSIX XCU 2.2.3). */
const ESCAPABLE_IN_QUOTES = new Set('$`"\\');

/**
 * Splits a command line into words as a POSIX shell does it: quotes and backslashes are understood, white space separates.
 * Where a shell would expand, redirect, chain or assign something there is no result, since no shell is going to run.
 */
export function splitWords(line: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const rest = (): string => line.slice(at);
  while (at < line.length) {
    const character = line.charAt(at);
    if (character === ' ' || character === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else if (rest().startsWith('\\\n')) {
      at += 2; // an escaped line end is nothing at all, not even the start of a word
    } else if (NEEDS_SHELL.has(character) || (word === undefined && (character === '#' || character === '~'))) {
      return { fault: `${JSON.stringify(character)} means something to a shell, but no shell runs` };
    } else {
      if (word === undefined && words.length === 0 && /^[A-Za-z_]\w*=/.test(rest())) {
        return { fault: 'it starts with an assignment, which only a shell understands' };
      }
      const piece = readPiece(rest());
      if ('fault' in piece) return piece;
      word = (word ?? '') + piece.text;
      at += piece.length;
    }
  }
  if (word !== undefined) words.push(word);
  return words.length === 0 ? { fault: 'it has no words' } : { words };
}

type Piece = { readonly text: string; readonly length: number } | { readonly fault: string };

/** One character, one escaped character or one quoted part at the start of a text. */
function readPiece(text: string): Piece {
  const first = text.charAt(0);
  if (first === "'") {
    const end = text.indexOf("'", 1);
    return end === -1 ? { fault: 'a single quote is not closed' } : { text: text.slice(1, end), length: end + 1 };
  }
  if (first === '"') return readDoubleQuoted(text);
  if (first !== '\\') return { text: first, length: 1 };
  return text.length === 1 ? { fault: 'it ends in a backslash' } : { text: text.charAt(1), length: 2 };
}

function readDoubleQuoted(text: string): Piece {
  let result = '';
  for (let at = 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') return { text: result, length: at + 1 };
    if (character === '$' || character === '`') {
      return { fault: `${JSON.stringify(character)} means something to a shell, but no shell runs` };
    }
    const next = text.charAt(at + 1);
    if (character === '\\' && (ESCAPABLE_IN_QUOTES.has(next) || next === '\n')) {
      result += next === '\n' ? '' : next;
      at += 1;
    } else {
      result += character;
    }
  }
  return { fault: 'a double quote is not closed' };
}
