/** A number of a JSON text, and where it stands. */
export interface JsonNumber {
  readonly text: string;
  readonly offset: number;
}

/** Strings, which are passed over, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The first number of a valid JSON text that JavaScript would round; undefined when all are kept. */
export function impreciseNumber(json: string): JsonNumber | undefined {
  for (const { 0: text, index: offset } of json.matchAll(TOKEN)) {
    if (!text.startsWith('"') && decimalOf(text) !== decimalOf(String(Number(text)))) return { text, offset };
  }
  return undefined;
}

/** A decimal number in one form for all that are equal: its digits, and the power of ten of the last. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign}${kept}e${String(Number(power) - fraction.length + digits.length - kept.length)}`;
}
