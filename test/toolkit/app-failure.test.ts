import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { readReportedError } from '../../lib/toolkit/app-failure';

describe('readReportedError', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-test-'));
  const file = path.join(directory, 'error.json');
  afterAll(() => {
    fs.rmSync(directory, { recursive: true });
  });

  test('finds nothing where an app left nothing', () => {
    expect(readReportedError(path.join(directory, 'missing'))).toBeUndefined();
  });

  test('reads only members of the right type', () => {
    fs.writeFileSync(file, '{"code":"STACK2003","message":"m","path":1,"source":null,"hint":[],"others":"x"}');
    expect(readReportedError(file)?.toJSON()).toEqual({ code: 'STACK2003', message: 'm' });
  });

  test.each([
    ['no JSON', 'oops'],
    ['no object', '[]'],
    ['an unknown code', '{"code":"STACK0001","message":"m"}'],
    ['a code of Object', '{"code":"toString","message":"m"}'],
    ['no message', '{"code":"STACK2003"}'],
    ['wrong further errors', '{"code":"STACK2003","message":"m","others":[1]}'],
    ['endless nesting', `${'{"code":"STACK2003","message":"m","others":['.repeat(20_000)}${']}'.repeat(20_000)}`],
    ['too much', `{"code":"STACK2003","message":"${'x'.repeat(5_000_000)}"}`],
  ])('does not trust a report that holds %s', (_what, report) => {
    fs.writeFileSync(file, report);
    expect(() => readReportedError(file)).toThrow(
      expect.objectContaining({
        code: 'STACK2001',
        message: expect.stringMatching(/^the app failed, and its error report cannot be read: /) as string,
      }) as Error,
    );
  });
});
