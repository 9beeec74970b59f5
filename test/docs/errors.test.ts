import { ERROR_CODES, EXIT, type ErrorCodeEntry } from '../../lib/core';
import { expectGenerated, markdownTable } from './generated';

const GROUPS: readonly (readonly [digit: string, title: string])[] = [
  ['1', 'Command line and configuration'],
  ['2', 'The app and its constructs'],
  ['3', 'Sources and packages'],
  ['4', 'Archives, packing and scripts'],
  ['5', 'Stacking'],
  ['6', 'Layouts and registries'],
  ['7', 'The local store'],
  ['9', 'Faults of cdk-stack'],
];

const INTRODUCTION = `# Error codes

Every error cdk-stack reports on purpose has one of these codes. Codes are stable: one that is here keeps its meaning.
The message says what went wrong in the case at hand, and the hint what to do about it. The last column is the exit
status of the command; [cli.md](cli.md#exit-status) tells what each stands for.

This file is generated from \`lib/core/codes.ts\`: run \`UPDATE_DOCS=1 npx jest test/docs\` after a change there.
`;

function reference(): string {
  const entries = Object.entries(ERROR_CODES) as [string, ErrorCodeEntry][];
  const sections = GROUPS.map(([digit, title]) => {
    const rows = entries
      .filter(([code]) => code.startsWith(`STACK${digit}`))
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([code, entry]) => [code, entry.title, String(entry.exit)]);
    return `\n## ${title}\n\n${markdownTable(['code', 'meaning', 'exit'], rows)}`;
  });
  return INTRODUCTION + sections.join('');
}

describe('the error reference', () => {
  test('is what the registry of codes says', () => {
    expectGenerated('docs/errors.md', reference());
  });

  test('has a group for every code', () => {
    const grouped = GROUPS.map(([digit]) => digit);
    for (const code of Object.keys(ERROR_CODES)) expect(grouped).toContain(code.charAt('STACK'.length));
  });

  test('gives every code a sentence and a published exit status', () => {
    for (const { title, exit } of Object.values(ERROR_CODES)) {
      expect(title).toMatch(/^[A-Za-z].*\.$/);
      expect(Object.values(EXIT)).toContain(exit);
    }
  });
});
