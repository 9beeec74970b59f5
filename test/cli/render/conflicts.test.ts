import { conflictsText } from '../../../lib/cli/render/conflicts';
import type { Conflict, ConflictReport } from '../../../lib/toolkit';
import { plainStyle } from '../stream';

const conflict: Conflict = {
  code: 'ID_COLLISION',
  severity: 'error',
  path: '/etc/group',
  message: 'id 101 is ssl-cert in a and _ssh in b',
  owners: [{ component: 'a', layer: 'sha256:1', createdBy: 'run', entry: 'file 0644' }],
  files: ['/usr/bin/ssh-agent'],
  fix: 'give one of them another id',
};

const nothing: ConflictReport = { conflicts: [], counts: [], settled: [], settledCount: 0 };

test('nothing is told of components that go together', () => {
  expect(conflictsText(nothing, plainStyle)).toBe('no conflicts\n');
});

test('what mergers cannot settle comes with what they say and the files that it would damage', () => {
  const counts = [{ code: conflict.code, severity: conflict.severity, count: 1 }];
  expect(conflictsText({ ...nothing, conflicts: [conflict], counts }, plainStyle)).toBe(
    [
      'error ID_COLLISION /etc/group',
      '  id 101 is ssl-cert in a and _ssh in b',
      '  a  run  file 0644',
      '  file: /usr/bin/ssh-agent',
      '  fix: give one of them another id',
      '',
      'error ID_COLLISION: 1',
      '',
    ].join('\n'),
  );
});

test('what the glue layer settles is told with who settles it, and how much more there is', () => {
  const settled = [
    { path: '/etc/passwd', by: 'accounts', components: ['a', 'b'] },
    { path: '/etc/x', by: 'repair', components: ['a'] },
  ];
  expect(conflictsText({ ...nothing, settled, settledCount: 1003 }, plainStyle)).toBe(
    [
      'settled by a glue layer: 1003 paths',
      '  /etc/passwd  accounts  a, b',
      '  /etc/x       repair    a',
      '  and 1001 more paths',
      '',
    ].join('\n'),
  );
});
