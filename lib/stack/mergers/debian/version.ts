/**
 * Compares two versions of Debian packages as deb-version(7) says.
 * @returns a number below, above or equal to 0
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [split(a), split(b)];
  return (
    compareNumbers(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

function split(version: string): { epoch: string; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  return {
    epoch: version.slice(0, Math.max(colon, 0)),
    upstream: hyphen < 0 ? rest : rest.slice(0, hyphen),
    revision: hyphen < 0 ? '' : rest.slice(hyphen + 1), // none is like 0
  };
}

/** Compares by turns what is not digits, character by character, and numbers of any length. */
function compareParts(a: string, b: string): number {
  let [left, right] = [0, 0];
  while (left < a.length || right < b.length) {
    while (isWord(a, left) || isWord(b, right)) {
      const order = rankOf(a, left) - rankOf(b, right);
      if (order !== 0) return order;
      left += 1;
      right += 1;
    }
    const [endLeft, endRight] = [endOfNumber(a, left), endOfNumber(b, right)];
    const order = compareNumbers(a.slice(left, endLeft), b.slice(right, endRight));
    if (order !== 0) return order;
    [left, right] = [endLeft, endRight];
  }
  return 0;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whether there is something at a place, and no digit. */
function isWord(part: string, at: number): boolean {
  return at < part.length && !isDigit(part.charCodeAt(at));
}

/** A tilde comes before the end of a word, then letters, then all the rest. */
function rankOf(part: string, at: number): number {
  if (!isWord(part, at)) return 0;
  const code = part.charCodeAt(at);
  if (part[at] === '~') return -1;
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) ? code : code + 256;
}

function endOfNumber(part: string, start: number): number {
  let at = start;
  while (isDigit(part.charCodeAt(at))) at += 1;
  return at;
}

/** Numbers of any length; none at all is 0. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}
