import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../../lib/cli/run';
import { StackError } from '../../lib/core';
import type { Assembly, ImagePlan } from '../../lib/plan';
import type { DeployOptions, DeployResult, InspectOptions, InspectResult, SynthOptions } from '../../lib/toolkit';
import { RecordedStream, recordedIo, type RecordedIo } from './stream';
import { directoryWith } from './temporary';

const toolkit = {
  synth: jest.fn<Promise<Assembly>, [SynthOptions]>(),
  deploy: jest.fn<Promise<DeployResult>, [DeployOptions]>(),
  inspect: jest.fn<Promise<readonly InspectResult[]>, [InspectOptions]>(),
};

// The engine has its own tests; here only what the command makes of its options and results counts.
jest.mock('../../lib/toolkit', () => ({
  ...jest.requireActual<object>('../../lib/toolkit/select'),
  ...jest.requireActual<object>('../../lib/toolkit/list'),
  synth: (options: SynthOptions) => toolkit.synth(options),
  deploy: (options: DeployOptions) => toolkit.deploy(options),
  loadEngine: () => undefined,
  inspect: (options: InspectOptions) => toolkit.inspect(options),
}));

const digest = `sha256:${'a'.repeat(64)}`;
const layer = (name: string, from?: string): ImagePlan => ({
  type: 'layer',
  name,
  buildOnly: false,
  from: from === undefined ? { type: 'scratch' } : { type: 'image', image: from },
  imports: [],
});

let directory: string;
let assembly: Assembly;
let io: RecordedIo;

beforeEach(() => {
  directory = directoryWith({ 'cdk-stack.json': { app: 'node app.js' }, 'bin/app.ts': 'one\ntwo\n' });
  io = recordedIo(directory);
  assembly = {
    directory,
    output: path.join(directory, 'synth.out'),
    plan: {
      schemaVersion: 1,
      directory: '..',
      formats: ['tar'],
      images: { base: layer('base'), kernel: layer('kernel', 'base'), ovmf: layer('ovmf') },
    },
    manifest: { schemaVersion: 1, framework: { name: 'cdk-stack', version: '0' }, artifacts: {} },
    tree: { id: '', path: '', construct: 'App', children: [{ id: 'kernel', path: 'kernel', construct: 'Layer' }] },
  };
  toolkit.synth.mockReset().mockImplementation((options) => {
    options.listener({ code: 'synth-done', directory, images: 3, milliseconds: 100 });
    return Promise.resolve(assembly);
  });
  toolkit.deploy.mockReset().mockImplementation((options) =>
    Promise.resolve({
      targets: options.targets.map((target) => ({
        target,
        blobsWritten: 1,
        bytesWritten: 10,
        blobsMounted: 0,
        blobs: [],
        images: options.images.map((image) => ({
          path: image,
          name: image,
          format: 'tar',
          platform: 'linux/amd64',
          reference: `${target}:${image}`,
          digest,
          size: 10,
          changed: true,
          layers: [],
        })),
      })),
    }),
  );
  toolkit.inspect.mockReset().mockResolvedValue([]);
});

function stack(line: string, signal = new AbortController().signal): Promise<number> {
  return run(
    line.split(' ').filter((word) => word !== ''),
    io,
    signal,
  );
}

function documentOnStdout(): unknown {
  return JSON.parse(io.stdout.text);
}

describe('a command line', () => {
  test('gives the version on standard output', async () => {
    expect(await stack('--version')).toBe(0);
    expect(io.stdout.text).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
    expect(io.stderr.text).toBe('');
  });

  test('without a command shows the help on standard error and fails', async () => {
    expect(await stack('')).toBe(2);
    expect(io.stdout.text).toBe('');
    expect(io.stderr.text).toContain('Usage: stack');
  });

  test('hands its settings to the synth', async () => {
    expect(await stack('ls -o out -c a=1 --debug --build tsc')).toBe(0);
    expect(toolkit.synth).toHaveBeenCalledWith(
      expect.objectContaining({
        app: 'node app.js',
        directory,
        output: 'out',
        build: 'tsc',
        context: { a: 1 },
        debug: true,
        version: expect.stringMatching(/^\d/) as string,
        environment: {},
      }),
    );
  });

  test('lets the app use colors where its output will have them', async () => {
    await stack('ls --color');
    expect(toolkit.synth.mock.calls[0]?.[0].environment).toEqual({ FORCE_COLOR: '1' });
  });

  test('writes nothing but the result to standard output', async () => {
    expect(await stack('ls kernel')).toBe(0);
    expect(io.stdout.text).toBe('image   type   formats  uses\nkernel  layer  tar      base\n');
    expect(io.stderr.text).toBe('synth: 3 images in 0.1 s\n');
  });

  test('with --quiet leaves the result alone', async () => {
    expect(await stack('ls kernel -q')).toBe(0);
    expect(io.stdout.text).not.toBe('');
    expect(io.stderr.text).toBe('');
  });

  test('with --progress json tells events, and a failure, as lines of JSON', async () => {
    expect(await stack('ls nothing --progress json')).toBe(6);
    const [event, failure] = io.stderr.text.split('\n');
    expect(JSON.parse(event ?? '')).toMatchObject({ code: 'synth-done' });
    expect(JSON.parse(failure ?? '')).toMatchObject({ code: 'failed', error: { code: 'STACK1004' } });
    expect(io.stdout.text).toBe('');
  });

  test('draws live lines on a terminal only, and never in CI', async () => {
    const shownWith = async (env: NodeJS.ProcessEnv, line = 'ls'): Promise<string> => {
      const stderr = new RecordedStream(true);
      await run(line.split(' '), { ...io, stderr, env: { LANG: 'C.UTF-8', ...env } }, new AbortController().signal);
      return stderr.text;
    };
    expect(await shownWith({})).toContain('✔');
    expect(await shownWith({ CI: 'true' })).toContain('synth');
    expect(await shownWith({ CI: 'true' })).not.toContain('✔');
    expect(await shownWith({}, 'ls -v')).not.toContain('✔');
    expect(await shownWith({}, 'ls --progress plain')).not.toContain('✔');
    expect(await shownWith({ TERM: 'dumb' }, 'ls --progress bar')).not.toContain('✔');
  });
});

describe('a command that fails', () => {
  test.each([
    ['ls --zzz', 2, 'STACK1001'],
    ['ls nothing', 6, 'STACK1004'],
    ['deploy --all kernel', 2, 'STACK1001'],
    ['inspect *', 2, 'STACK1001'],
  ])('%s ends with %d and says %s', async (line, status, code) => {
    expect(await stack(line)).toBe(status);
    expect(io.stderr.text).toContain(`error ${code}: `);
    expect(io.stdout.text).toBe('');
  });

  test('tells construct, class and line of the user', async () => {
    toolkit.deploy.mockRejectedValue(
      new StackError('STACK3001', 'changed', { constructPath: 'kernel', source: 'bin/app.ts:2:1' }),
    );
    expect(await stack('deploy')).toBe(1);
    expect(io.stderr.text).toContain(
      'error STACK3001: changed\n  at kernel (Layer)\n  created at bin/app.ts:2:1\n    2 │ two\n      │ ^\n',
    );
  });

  test.each([
    ['ls --zzz --json', 'STACK1001'],
    ['ls -j -c x', 'STACK1001'],
    ['ls nothing -j', 'STACK1004'],
  ])('prints one JSON document with --json: %s', async (line, code) => {
    expect(await stack(line)).not.toBe(0);
    expect(documentOnStdout()).toMatchObject({ error: { code } });
    expect(io.stderr.text).toContain(`error ${code}`);
  });

  test('prints a JSON document also when only the environment asks for it', async () => {
    io = recordedIo(directory, { STACK_JSON: '1', STACK_QUIET: 'perhaps' });
    expect(await stack('ls')).toBe(2);
    expect(documentOnStdout()).toMatchObject({ error: { code: 'STACK1005' } });
  });

  test('is a fault of cdk-stack when it is none of the user', async () => {
    toolkit.deploy.mockRejectedValue(new TypeError('x is undefined'));
    expect(await stack('deploy --json')).toBe(70);
    expect(documentOnStdout()).toMatchObject({ error: { code: 'STACK9001' } });
    expect(io.stderr.text).toContain('caused by TypeError: x is undefined\n      at ');
  });

  test('is only cancelled when its signal says so, whatever comes of that', async () => {
    const controller = new AbortController();
    toolkit.deploy.mockImplementation(() => {
      controller.abort();
      return Promise.reject(new Error('AbortError'));
    });
    expect(await stack('deploy', controller.signal)).toBe(8);
    expect(io.stderr.text).toContain('error STACK1008: cancelled\n');
  });
});

describe('stack synth', () => {
  test('prints the recipe of the one image that is named', async () => {
    expect(await stack('synth kernel')).toBe(0);
    expect(documentOnStdout()).toEqual(assembly.plan.images['kernel']);
  });

  test('prints nothing otherwise, and tells where the plan is', async () => {
    expect(await stack('synth')).toBe(0);
    expect(io.stdout.text).toBe('');
    expect(io.stderr.text).toMatch(/^the plan is in .*synth\.out$/m);
  });

  test('prints the directory and all recipes with --json', async () => {
    expect(await stack('synth -j')).toBe(0);
    expect(documentOnStdout()).toEqual({ directory: path.join(directory, 'synth.out'), images: assembly.plan.images });
  });
});

describe('stack deploy', () => {
  test('hands on what is selected, and tells what else is built and why', async () => {
    expect(
      await stack('deploy kernel --format squashfs --tag 1 --tag 2 --dry-run --frozen --require-hash --concurrency 2'),
    ).toBe(0);
    const { listener, ...options } = toolkit.deploy.mock.calls[0]?.[0] ?? {};
    expect(listener).toBeDefined();
    expect(options).toEqual({
      assembly,
      images: ['kernel'],
      formatTags: 'suffix',
      targets: ['oci:./oci'],
      formats: ['squashfs'],
      tags: ['1', '2'],
      dryRun: true,
      frozen: true,
      sandbox: 'auto',
      shellOnFailure: false,
      requireHash: true,
      concurrency: 2,
      signal: expect.any(AbortSignal) as AbortSignal,
    });
    expect(io.stderr.text).toContain('also building base (needed by kernel)\n');
  });

  test('says that an image that was named is built, but not published', async () => {
    const base = { ...layer('base'), buildOnly: true };
    assembly = { ...assembly, plan: { ...assembly.plan, images: { ...assembly.plan.images, base } } };
    expect(await stack('deploy base ovmf')).toBe(0);
    expect(io.stderr.text).toContain('built, but not published, since buildOnly: base\n');
    io.stderr.text = '';
    expect(await stack('deploy')).toBe(0);
    expect(io.stderr.text).not.toContain('buildOnly');
  });

  test('takes every image by default and leaves the rest to the library', async () => {
    expect(await stack('deploy')).toBe(0);
    expect(toolkit.deploy.mock.calls[0]?.[0].images).toEqual(['base', 'kernel', 'ovmf']);
    expect(Object.keys(toolkit.deploy.mock.calls[0]?.[0] ?? {})).not.toContain('formats');
    expect(io.stdout.text).toMatch(/\n3 images published to oci:\.\/oci: 1 blob, 10 B written in \d+\.\d s\n$/);
  });

  test('publishes to every target once, as seen from the app', async () => {
    assembly = { ...assembly, directory: path.dirname(directory) };
    const name = path.basename(directory);
    expect(await stack('deploy --to oci:a --to oci:./a --to oci:/b')).toBe(0);
    expect(toolkit.deploy.mock.calls[0]?.[0].targets).toEqual([`oci:./${name}/a`, 'oci:/b']);
  });

  test('writes the digests of everything published to the outputs file', async () => {
    expect(await stack('deploy kernel ovmf --outputs-file out.json --to oci:a --to oci:b')).toBe(0);
    expect(JSON.parse(fs.readFileSync(path.join(directory, 'out.json'), 'utf8'))).toEqual({
      images: {
        kernel: { 'oci:a:kernel': digest, 'oci:b:kernel': digest },
        ovmf: { 'oci:a:ovmf': digest, 'oci:b:ovmf': digest },
      },
    });
  });

  test('writes no outputs file in a dry run', async () => {
    expect(await stack('deploy --outputs-file out.json --dry-run')).toBe(0);
    expect(fs.existsSync(path.join(directory, 'out.json'))).toBe(false);
  });

  test('fails when the outputs file cannot be written', async () => {
    expect(await stack('deploy --outputs-file missing/out.json')).toBe(1);
    expect(io.stderr.text).toContain('error STACK1009: cannot write the outputs file');
  });

  test('prints the result with --json', async () => {
    expect(await stack('deploy kernel --json')).toBe(0);
    expect(documentOnStdout()).toMatchObject({
      dryRun: false,
      targets: [{ target: 'oci:./oci', images: [{ path: 'kernel', digest }] }],
    });
  });
});

describe('stack deploy --require-approval', () => {
  const was = `sha256:${'0'.repeat(64)}`;
  let published: boolean;
  beforeEach(() => {
    published = false;
    toolkit.deploy.mockReset().mockImplementation(async (options) => {
      const images = options.images.map((image) => ({
        path: image,
        name: image,
        format: 'tar' as const,
        platform: 'linux/amd64',
        reference: `host/${image}:latest`,
        digest,
        ...(image === 'base' ? {} : { was: image === 'kernel' ? was : digest }),
        size: 10,
        changed: image !== 'ovmf',
        layers: [],
      }));
      const targets = [
        { target: 'docker://host', blobsWritten: 1, bytesWritten: 10, blobsMounted: 0, blobs: [], images },
      ];
      await options.approve?.(targets);
      published = true;
      return { targets };
    });
  });

  /** Somebody at a terminal. */
  function somebody(answer?: string): void {
    io.stdin.isTTY = true;
    (io.stderr as { isTTY: boolean }).isTTY = true;
    io.stdin.end(answer === undefined ? undefined : `${answer}\n`);
  }

  test.each(['y', 'YES'])('publishes when the answer is %s', async (answer) => {
    somebody(answer);
    expect(await stack('deploy --require-approval broadening')).toBe(0);
    expect(io.stderr.text).toContain(
      `1 name would change:\n  host/kernel:latest: 000000000000 -> ${digest.slice(7, 19)}\npublish? [y/N] `,
    );
    expect(published).toBe(true);
  });

  test.each(['n', '', 'yesterday', undefined])('publishes nothing when the answer is %s', async (answer) => {
    somebody(answer);
    expect(await stack('deploy --require-approval broadening --no-color')).toBe(8);
    expect(io.stderr.text).toContain('error STACK1010: 1 name would change, and that was not approved');
    expect(published).toBe(false);
  });

  test('asks about new names too when every change is to be approved', async () => {
    somebody('y');
    expect(await stack('deploy --require-approval any-change')).toBe(0);
    expect(io.stderr.text).toMatch(/2 names would change:\n  host\/base:latest: new -> /);
  });

  test('fails at once where nobody can be asked, and names the way out', async () => {
    expect(await stack('deploy --require-approval broadening')).toBe(8);
    expect(io.stderr.text).toMatch(
      /error STACK1010: 1 name would change, and nobody is at a terminal to approve it: host\/kernel/,
    );
    expect(io.stderr.text).toContain('pass --yes or --require-approval never');
    expect(published).toBe(false);
  });

  test.each(['deploy', 'deploy --require-approval any-change --yes', 'deploy ovmf --require-approval broadening'])(
    '%s asks nothing',
    async (line) => {
      expect(await stack(line)).toBe(0);
      expect(published).toBe(true);
    },
  );
});

test('stack inspect asks every target for the one image', async () => {
  expect(await stack('inspect kernel --to oci:a --to oci:b --format tar')).toBe(0);
  expect(toolkit.inspect.mock.calls.map(([options]) => options)).toEqual([
    { assembly, image: 'kernel', target: 'oci:a', formats: ['tar'] },
    { assembly, image: 'kernel', target: 'oci:b', formats: ['tar'] },
  ]);
});
