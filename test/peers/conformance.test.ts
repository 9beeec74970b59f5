import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { FakeRegistry, type FakeOptions } from '../../lib/registry/testing';
import { peer } from './programs';

const MINUTE = 60_000;
const ACCOUNT = { username: 'someone', password: 'p4ss-w0rd' };

interface Outcome {
  readonly status: number | null;
  readonly report: string;
}

/** Runs the conformance suite of the distribution specification against a registry of this process. */
async function conformanceOf(options: FakeOptions): Promise<Outcome> {
  const registry = await FakeRegistry.start(options);
  const results = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-conformance-'));
  try {
    const child = spawn(peer('conformance'), {
      cwd: results,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        OCI_REGISTRY: registry.host,
        OCI_TLS: 'disabled',
        OCI_VERSION: '1.1',
        OCI_REPO1: 'conformance/one',
        OCI_REPO2: 'conformance/two',
        OCI_RESULTS_DIR: results,
        ...(options.auth === undefined ? {} : { OCI_USERNAME: ACCOUNT.username, OCI_PASSWORD: ACCOUNT.password }),
      },
    });
    let report = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (report += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (report += text));
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { status, report };
  } finally {
    await registry.stop();
    fs.rmSync(results, { recursive: true });
  }
}

/** A line of the suite's summary. */
function figure(report: string, name: string): number {
  return Number(new RegExp(`^ *${name}\\.*: +(\\d+)$`, 'm').exec(report)?.[1] ?? Number.NaN);
}

test.each<[string, FakeOptions]>([
  ['without accounts', {}],
  ['with basic authentication', { auth: { kind: 'basic', ...ACCOUNT } }],
  ['with tokens', { auth: { kind: 'bearer', ...ACCOUNT } }],
  ['whose locations have no host', { behavior: { relativeLocations: true } }],
  ['that mounts nothing', { behavior: { mounts: false } }],
])(
  'the fake registry %s conforms to the distribution specification',
  async (_, options) => {
    const { status, report } = await conformanceOf(options);
    expect(report.split('\n').filter((line) => line.includes('failed test'))).toEqual([]);
    expect(status).toBe(0);
    expect(figure(report, 'FAIL')).toBe(0);
    expect(figure(report, 'Error')).toBe(0);
    expect(figure(report, 'Total')).toBeGreaterThan(500);
  },
  MINUTE,
);
