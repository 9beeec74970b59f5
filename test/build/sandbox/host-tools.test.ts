import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findTool } from '../../../lib/build/sandbox/host-facts';
import { requireTools } from '../../../lib/build/sandbox/host-tools';

jest.mock('../../../lib/build/sandbox/host-facts');
const find = jest.mocked(findTool);

const { findTool: reallyFind } = jest.requireActual<{ findTool: typeof findTool }>(
  '../../../lib/build/sandbox/host-facts',
);

function hostWithout(...tools: string[]): void {
  find.mockImplementation((name) => (tools.includes(name) ? undefined : `/bin/${name}`));
}

describe('what a sandbox needs of a host', () => {
  test('is nothing more where everything is there', () => {
    hostWithout();
    expect(() => {
      requireTools('none');
    }).not.toThrow();
  });

  test('is named, with its package', () => {
    hostWithout('nsenter', 'pivot_root');
    expect(() => {
      requireTools('host');
    }).toThrow(
      expect.objectContaining({
        code: 'STACK3013',
        message: 'a sandbox needs nsenter and pivot_root, not installed here',
        hint: 'install the package util-linux',
      }) as Error,
    );
  });

  test('is ip only for a network of its own', () => {
    hostWithout('ip');
    expect(() => {
      requireTools('host');
    }).not.toThrow();
    expect(() => {
      requireTools('none');
    }).toThrow('a sandbox needs ip');
  });
});

describe('a tool', () => {
  test('is found on the PATH and where administrators have theirs, if it can be executed', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tools-'));
    const before = process.env['PATH'];
    try {
      process.env['PATH'] = `relative:${directory}`;
      fs.writeFileSync(path.join(directory, 'mine'), '', { mode: 0o755 });
      fs.writeFileSync(path.join(directory, 'text'), '', { mode: 0o644 });
      expect(reallyFind('mine')).toBe(path.join(directory, 'mine'));
      expect(reallyFind('text')).toBeUndefined();
      expect(reallyFind('no-such-tool')).toBeUndefined();
    } finally {
      process.env['PATH'] = before;
      fs.rmSync(directory, { recursive: true });
    }
  });
});
