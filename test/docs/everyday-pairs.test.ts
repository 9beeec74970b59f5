import * as fs from 'node:fs';
import * as path from 'node:path';
import { EVERYDAY } from '../e2e/oracle/everyday';

const STACKING = path.resolve(__dirname, '../../docs/stacking.md');

test('the table of everyday packages says what comes of each pair that is checked', () => {
  const [, section = ''] = fs.readFileSync(STACKING, 'utf8').split('### Everyday packages\n');
  const [table = ''] = section.split('\n#');
  const rows = [...table.matchAll(/^\| (`.*?) +\| (merged|refused) +\| \S/gm)].map(([, pair, outcome]) => [
    pair,
    outcome,
  ]);
  const quoted = (set: string): string => set.replace(/[^, ]+/g, (name) => `\`${name}\``);
  expect(rows).toEqual(
    EVERYDAY.map(({ p, q, refusal }) => [
      `${quoted(p)} with ${quoted(q)}`,
      refusal === undefined ? 'merged' : 'refused',
    ]),
  );
});
