import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError, type StackEvent } from '../../lib/core';
import { stagingBeside, writeAssembly, type ImagePlan } from '../../lib/plan';
import { synth, type SynthOptions } from '../../lib/toolkit/synth';

const layer: ImagePlan = { type: 'layer', name: 'kernel', buildOnly: false, from: { type: 'scratch' }, imports: [] };
const SYNTHESIZE = `
  const fs = require('fs');
  const out = process.env.STACK_OUTDIR;
  fs.rmSync(out, { recursive: true, force: true });
  fs.cpSync(process.cwd() + '/made', out, { recursive: true });
`;

let directory: string;
let events: StackEvent[];

beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-test-')));
  events = [];
  const plan = { formats: ['tar' as const], images: { kernel: layer } };
  writeAssembly(path.join(directory, 'made'), { directory, plan, tree: { id: '', path: '', construct: 'App' } });
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function app(code: string): void {
  fs.writeFileSync(path.join(directory, 'app.js'), code);
}

function run(options: Partial<SynthOptions> = {}): ReturnType<typeof synth> {
  return synth({ app: 'node app.js', directory, listener: (event) => events.push(event), ...options });
}

async function failureOf(options: Partial<SynthOptions> = {}): Promise<StackError> {
  try {
    await run(options);
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function output(): string {
  return events.map((event) => (event.code === 'app-output' ? event.text : '')).join('');
}

describe('synth', () => {
  test('runs the app, loads what it wrote and tells about it', async () => {
    app(SYNTHESIZE);
    const assembly = await run();
    expect(assembly.directory).toBe(directory);
    expect(Object.keys(assembly.plan.images)).toEqual(['kernel']);
    expect(events).toEqual([
      { code: 'synth-started', app: 'node app.js' },
      {
        code: 'synth-done',
        directory: path.join(directory, 'synth.out'),
        images: 1,
        milliseconds: expect.any(Number) as number,
      },
    ]);
  });

  test('hands the app its context, its output directory and what to know of the command', async () => {
    app(`${SYNTHESIZE}
      const { STACK_CONTEXT_FILE, STACK_CLI_VERSION, STACK_DEBUG, STACK_OUTDIR, EXTRA } = process.env;
      console.log(fs.readFileSync(STACK_CONTEXT_FILE, 'utf8'), STACK_CLI_VERSION, STACK_DEBUG, STACK_OUTDIR, EXTRA);
      console.log((fs.statSync(STACK_CONTEXT_FILE).mode & 0o777).toString(8), require('path').dirname(STACK_CONTEXT_FILE));`);
    const context = { big: 'x'.repeat(300_000), list: [1, false, null] };
    await run({ context, output: 'other.out', version: '1.2.3', debug: true, environment: { EXTRA: 'yes' } });
    const [first = '', second = ''] = output().split('\n');
    expect(first.startsWith(`${JSON.stringify(context)} 1.2.3 1 ${path.join(directory, 'other.out')}.`)).toBe(true);
    expect(first.endsWith(' yes')).toBe(true);
    const [mode = '', scratch = ''] = second.split(' ');
    expect(mode).toBe('600');
    expect(fs.existsSync(scratch)).toBe(false);
  });

  test('does not hand on STACK_DEBUG of its own environment when debugging is off', async () => {
    process.env['STACK_DEBUG'] = '1';
    try {
      app(`${SYNTHESIZE} console.log(process.env.STACK_DEBUG);`);
      await run();
      expect(output()).toBe('undefined\n');
    } finally {
      delete process.env['STACK_DEBUG'];
    }
  });

  test('passes on both output streams of the app', async () => {
    app(`${SYNTHESIZE} process.stdout.write('to stdout, '); process.stderr.write('to stderr');`);
    await run();
    expect(output()).toContain('to stdout, ');
    expect(output()).toContain('to stderr');
  });

  test('finds binaries of the project and above it, without npx', async () => {
    const project = path.join(directory, 'packages', 'a');
    for (const [at, name] of [
      [directory, 'outer'],
      [project, 'inner'],
    ] as const) {
      const bin = path.join(at, 'node_modules', '.bin');
      fs.mkdirSync(bin, { recursive: true });
      fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho ${name} "$@"\n`, { mode: 0o755 });
    }
    fs.mkdirSync(path.join(directory, 'packages', 'bin'));
    fs.writeFileSync(path.join(directory, 'packages', 'bin', 'npx'), '#!/bin/sh\necho npx "$@"\n', { mode: 0o755 });
    const environment = { PATH: `${path.join(directory, 'packages', 'bin')}:${process.env['PATH'] ?? ''}` };
    await failureOf({
      directory: project,
      environment,
      app: 'npx inner a && npx outer b; outer c; npx other d; npx -y inner e',
    });
    expect(output()).toBe('inner a\nnpx outer b\nouter c\nnpx other d\nnpx -y inner e\n');
  });

  test('runs the build command first, and not the app when that fails', async () => {
    app(SYNTHESIZE);
    await run({ build: 'echo built' });
    expect(events.slice(0, 3)).toEqual([
      { code: 'build-started', command: 'echo built' },
      { code: 'app-output', text: 'built\n' },
      { code: 'synth-started', app: 'node app.js' },
    ]);
    events = [];
    const error = await failureOf({ build: 'echo "no such type" >&2; exit 2' });
    expect(error).toMatchObject({ code: 'STACK2001', message: 'the build exited with status 2: no such type' });
    expect(events.map((event) => event.code)).not.toContain('synth-started');
  });

  test('loads a directory without running anything', async () => {
    const assembly = await run({ app: 'made' });
    expect(Object.keys(assembly.plan.images)).toEqual(['kernel']);
    expect(events).toEqual([]);
    expect(await failureOf({ app: '.' })).toMatchObject({ code: 'STACK1007' });
  });
});

describe('synth beside others', () => {
  /** An app that writes an image of the name in NAME, slowly. */
  const NAMED = `
    const fs = require('fs');
    const out = process.env.STACK_OUTDIR;
    fs.cpSync(process.cwd() + '/made', out, { recursive: true });
    for (const file of ['manifest.json', 'plan.json']) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * 20);
      fs.writeFileSync(out + '/' + file, fs.readFileSync(out + '/' + file, 'utf8').replaceAll('kernel', process.env.NAME));
    }
  `;
  const leftovers = (): string[] => fs.readdirSync(directory).filter((name) => name.startsWith('synth.out.'));

  test('at the same time, each gets the plan that its own run of the app wrote, and readers never get a mix', async () => {
    app(NAMED);
    await run({ environment: { NAME: 'first' } });
    const names = Array.from({ length: 6 }, (_, at) => `image-${String(at)}`);
    let done = false;
    const reading = (async (): Promise<number> => {
      let reads = 0;
      for (; !done; reads += 1) await run({ app: 'synth.out' });
      return reads;
    })();
    const plans = await Promise.all(names.map((NAME) => run({ environment: { NAME } })));
    done = true;
    expect(plans.map(({ plan }) => Object.keys(plan.images))).toEqual(names.map((name) => [name]));
    expect(new Set(plans.map(({ output: at }) => at))).toEqual(new Set([path.join(directory, 'synth.out')]));
    expect(await reading).toBeGreaterThan(0);
    expect(leftovers()).toEqual([]);
  }, 60_000);

  test('what a killed one left is removed, and the output that it had put aside is back', async () => {
    app(NAMED);
    await run({ environment: { NAME: 'good' } });
    const dead = '4194303-1-' + path.basename(stagingBeside(path.join(directory, 'synth.out'))).split('-')[2];
    fs.mkdirSync(path.join(directory, `synth.out.${dead}-0123456789ab.tmp`));
    fs.mkdirSync(path.join(directory, `synth.out.${dead}-0123456789ab.tmp.${dead}-ba9876543210.tmp`));
    fs.renameSync(path.join(directory, 'synth.out'), path.join(directory, `synth.out.${dead}-0123456789ab.old`));
    app('process.exit(1)');
    await failureOf();
    expect(leftovers()).toEqual([]);
    expect(Object.keys((await run({ app: 'synth.out' })).plan.images)).toEqual(['good']);
  });

  test('an output that cannot be loaded does not replace the last good one', async () => {
    app(SYNTHESIZE);
    await run();
    app(`${SYNTHESIZE} fs.writeFileSync(out + '/plan.json', '{}');`);
    expect(await failureOf()).toMatchObject({ code: 'STACK1007' });
    expect(Object.keys((await run({ app: 'synth.out' })).plan.images)).toEqual(['kernel']);
    expect(leftovers()).toEqual([]);
  });

  test('an output that cannot be written or loaded is called by its own name', async () => {
    app(`${SYNTHESIZE} fs.writeFileSync(out + '/plan.json', '{}');`);
    const { message } = await failureOf();
    expect(message).toContain(path.join(directory, 'synth.out', 'plan.json'));
    app(`const error = { code: 'STACK1007', message: "cannot write '" + process.env.STACK_OUTDIR + "'" };
      require('fs').writeFileSync(process.env.STACK_ERROR_FILE, JSON.stringify(error));
      process.exit(1);`);
    expect(await failureOf()).toMatchObject({ message: `cannot write '${path.join(directory, 'synth.out')}'` });
  });

  test('an output directory that is not ours is refused before the app runs', async () => {
    app(SYNTHESIZE);
    fs.mkdirSync(path.join(directory, 'mine'));
    fs.writeFileSync(path.join(directory, 'mine', 'thesis.txt'), 'precious');
    expect(await failureOf({ output: 'mine' })).toMatchObject({ code: 'STACK1007' });
    expect(await failureOf({ output: '.' })).toMatchObject({ code: 'STACK1007' });
    expect(events.map(({ code }) => code)).not.toContain('app-output');
    expect(fs.readdirSync(path.join(directory, 'mine'))).toEqual(['thesis.txt']);
  });
});

describe('synth of an app that fails', () => {
  test('tells an uncaught exception with the place in the app', async () => {
    app(`function thrower() {\n  throw new TypeError('kernel is not defined');\n}\nthrower();`);
    expect(await failureOf()).toMatchObject({
      code: 'STACK2001',
      exitStatus: 4,
      message: 'the app exited with status 1: TypeError: kernel is not defined',
      source: 'app.js:2:9',
    });
    expect(output()).toContain('at thrower');
  });

  test('skips the frames of packages when it looks for the place', async () => {
    fs.mkdirSync(path.join(directory, 'node_modules', 'lib'), { recursive: true });
    fs.writeFileSync(
      path.join(directory, 'node_modules', 'lib', 'index.js'),
      "module.exports = () => { throw new Error('deep'); };",
    );
    app("const deep = require('lib');\n\ndeep();");
    expect(await failureOf()).toMatchObject({
      message: expect.stringMatching(/Error: deep$/) as string,
      source: 'app.js:3:1',
    });
  });

  test('tells the place of a syntax error', async () => {
    app('const a = 1;\nconst = 2;\n');
    expect(await failureOf()).toMatchObject({
      message: expect.stringMatching(/: SyntaxError: /) as string,
      source: 'app.js:2:1',
    });
  });

  test('tells the last lines when there was no exception', async () => {
    app("for (let i = 0; i < 20; i += 1) console.error('line', i); process.exit(3);");
    expect(await failureOf()).toMatchObject({
      message: `the app exited with status 3: ${[15, 16, 17, 18, 19].map((i) => `line ${String(i)}`).join('\n')}`,
      hint: 'the command is: node app.js',
    });
  });

  test('tells the signal that killed it', async () => {
    app("process.kill(process.ppid, 'SIGKILL');");
    expect(await failureOf({ app: 'node app.js; exit 0' })).toMatchObject({
      code: 'STACK2001',
      message: 'the app was killed by SIGKILL',
      hint: 'the machine may have run out of memory',
    });
  });

  test('tells a command that is not installed', async () => {
    expect(await failureOf({ app: 'no-such-command-here x' })).toMatchObject({
      code: 'STACK2001',
      message: expect.stringMatching(/^the app's command was not found: .*no-such-command-here/) as string,
      hint: 'is it installed? Try npm install; the command is: no-such-command-here x',
    });
  });

  test('rethrows the errors it reports, all of them, with their places', async () => {
    const report = {
      code: 'STACK2003',
      message: 'two images',
      path: 'images/a',
      source: 'lib/a.ts:1:2',
      hint: 'rename',
      others: [{ code: 'STACK2006', message: 'second', others: [{ code: 'STACK2009', message: 'third' }] }],
    };
    app(
      `require('fs').writeFileSync(process.env.STACK_ERROR_FILE, ${JSON.stringify(JSON.stringify(report))}); process.exit(1);`,
    );
    const error = await failureOf();
    expect(error).toMatchObject({
      code: 'STACK2003',
      constructPath: 'images/a',
      source: 'lib/a.ts:1:2',
      hint: 'rename',
    });
    expect(error.all().map(({ code, message }) => `${code} ${message}`)).toEqual([
      'STACK2003 two images',
      'STACK2006 second',
      'STACK2009 third',
    ]);
  });

  test('rethrows the errors of an app that ends well all the same', async () => {
    app(`require('fs').writeFileSync(process.env.STACK_ERROR_FILE, '{"code":"STACK2002","message":"none"}');`);
    expect(await failureOf()).toMatchObject({ code: 'STACK2002', message: 'none' });
  });

  test('notices that nothing was written, also where an older output lies', async () => {
    app('');
    expect(await failureOf()).toMatchObject({ code: 'STACK2011', exitStatus: 4 });
    app(SYNTHESIZE);
    await run();
    app('');
    expect(await failureOf()).toMatchObject({ code: 'STACK2011' });
    expect(fs.existsSync(path.join(directory, 'synth.out', 'plan.json'))).toBe(true);
  });
});

describe('synth that is cancelled', () => {
  /** Pids of a group's processes that are not only waiting to be reaped. */
  function alive(group: number): string[] {
    return fs.readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || !fs.existsSync(`/proc/${pid}/stat`)) return false;
      const [state, , processGroup] = fs
        .readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return processGroup === String(group) && state !== 'Z';
    });
  }

  test('ends the app and everything it started', async () => {
    app(`require('child_process').spawn('sleep', ['1000']);
      process.on('SIGTERM', () => {});
      console.log(process.ppid);
      setInterval(() => {}, 1000);`);
    const controller = new AbortController();
    const failure = failureOf({ signal: controller.signal, app: 'trap "" TERM; sleep 1000 & node app.js; echo later' });
    while (output() === '') await sleep(10);
    const group = Number(output());
    expect(alive(group).length).toBeGreaterThanOrEqual(3);
    controller.abort();
    expect(await failure).toMatchObject({ code: 'STACK1008', exitStatus: 8 });
    expect(alive(group)).toEqual([]);
  }, 15_000);

  test('runs nothing when it was cancelled before', async () => {
    app(SYNTHESIZE);
    expect(await failureOf({ signal: AbortSignal.abort() })).toMatchObject({ code: 'STACK1008' });
    expect(fs.existsSync(path.join(directory, 'synth.out'))).toBe(false);
  });

  test('does not wait for what the app leaves running', async () => {
    app(SYNTHESIZE);
    await run({ app: 'node app.js; sleep 60 & echo $!' });
    process.kill(Number(output()));
  });
});
