/** A word of a shell script that stands for exactly this text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command of a shell script, every word quoted. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
