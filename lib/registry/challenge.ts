/** One way to authenticate that a server offers (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case, such as `basic` or `bearer`. */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SEPARATORS = /[\s,]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const BARE = /[^\s,"]*/y;
const EQUALS = /\s*=\s*/y;

/** The challenges of `WWW-Authenticate` headers: several in one, quoted strings with commas. What cannot be read is left out. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap(parseHeader);
}

function parseHeader(text: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match !== undefined) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const word = take(TOKEN)?.[0];
    if (word === undefined) return challenges;
    // A word with '=' behind it is a parameter of the challenge before; any other begins a new one.
    if (challenges.length > 0 && take(EQUALS) !== undefined) {
      const value = take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? take(BARE)?.[0] ?? '';
      challenges.at(-1)?.parameters.set(word.toLowerCase(), value);
    } else {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    }
  }
}
