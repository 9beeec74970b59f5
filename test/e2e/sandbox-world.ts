import { execFileSync, fork, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Driver, RunOptions } from '../../lib/build/sandbox';
import type { StackErrorJson } from '../../lib/core';
import { ORDINARY_USER } from './installed';

/** A user of these tests' own, with the subordinate ids that useradd gives. */
const USER = `cdk-stack-sandbox-${process.env['JEST_WORKER_ID'] ?? ''}`;

/** What runs in a process of another user: the installed package, on request. Objects and buffers come and go as they are. */
const AGENT = `'use strict';
const fs = require('node:fs');
const { pipeline } = require('node:stream/promises');
const sandbox = require(process.argv[2] + '/node_modules/cdk-stack/dist/build/sandbox');
let namespace;
const aborts = new Map();
const actions = {
  detect: async () => {
    namespace = await sandbox.Namespace.detect();
    return { opaqueXattr: namespace.opaqueXattr, canMakeDevices: namespace.canMakeDevices };
  },
  chooseDriver: ({ choice, directory }) => sandbox.chooseDriver(namespace, choice, directory),
  materialize: ({ tar, directory }) => sandbox.materialize(namespace, fs.createReadStream(tar), directory),
  readUpper: ({ directory, file }) => pipeline(sandbox.readUpper(namespace, directory), fs.createWriteStream(file)),
  removeTree: ({ directory }) => sandbox.removeTree(namespace, directory),
  runScript: async ({ driver, options }, id) => {
    const written = { stdout: [], stderr: [] };
    const abort = new AbortController();
    aborts.set(id, abort);
    const onOutput = (chunk, stream) => {
      written[stream].push(chunk);
      process.send({ id, output: chunk.toString() });
    };
    const { status } = await sandbox.runScript(namespace, driver, { ...options, onOutput, signal: abort.signal });
    return { status, stdout: Buffer.concat(written.stdout).toString(), stderr: Buffer.concat(written.stderr).toString() };
  },
  abort: ({ run }) => aborts.get(run).abort(new Error('enough')),
};
process.on('message', async ({ id, action, args }) => {
  try {
    process.send({ id, value: await actions[action](args, id) });
  } catch (error) {
    process.send({ id, error: error.toJSON?.() ?? { message: error.stack } });
  }
});
`;

/** A user other than ours. */
interface Ids {
  readonly uid?: number;
  readonly gid?: number;
}

/** How a script ended, and what it wrote. */
export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the agent could not do. */
export class Refused extends Error {
  public constructor(public readonly reason: Partial<StackErrorJson> & { readonly message: string }) {
    super(`${reason.code ?? ''} ${reason.message}`);
  }
}

interface Reply {
  readonly id: number;
  readonly output?: string;
  readonly value?: unknown;
  readonly error?: Refused['reason'];
}

/** A process of some user's that has the package do things. */
export class Agent {
  public readonly process: ChildProcess;
  private last = 0;
  private readonly replies = new Map<number, (reply: Reply) => void>();

  /** @param stdio more file descriptors that the process has, open */
  public constructor(
    file: string,
    private readonly home: string,
    user: Ids,
    stdio: readonly unknown[] = [],
  ) {
    this.process = fork(file, [process.env['CDK_STACK_INSTALLED'] ?? ''], {
      ...user,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...stdio] as StdioOptions,
      env: { ...process.env, HOME: home },
    });
    this.process.on('message', (reply: Reply) => this.replies.get(reply.id)?.(reply));
    this.process.once('exit', () => {
      for (const id of this.replies.keys()) this.replies.get(id)?.({ id, error: { message: 'the agent is gone' } });
    });
  }

  /** Gives the number of the request as well, by which it can be aborted. */
  public request<T>(
    action: string,
    args: object = {},
    onOutput?: (text: string) => void,
  ): { id: number; value: Promise<T> } {
    const id = ++this.last;
    const value = new Promise<T>((resolve, reject) => {
      this.replies.set(id, ({ output, value: given, error }) => {
        if (output !== undefined) {
          onOutput?.(output);
          return;
        }
        this.replies.delete(id);
        if (error === undefined) resolve(given as T);
        else reject(new Refused(error));
      });
      this.process.send({ id, action, args });
    });
    return { id, value };
  }

  public do<T = void>(action: string, args: object = {}): Promise<T> {
    return this.request<T>(action, args).value;
  }

  public end(): void {
    this.process.kill('SIGKILL');
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}

/** A user, with a directory of theirs, a busybox base in it and an agent. */
export class World {
  public static async create(who: 'root' | 'an ordinary user'): Promise<World> {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-sandbox-'));
    fs.chmodSync(home, 0o755);
    const agentFile = path.join(home, 'agent.js');
    fs.writeFileSync(agentFile, AGENT);
    makeBase(path.join(home, 'base.tar'));
    const user: Ids = who === 'root' ? {} : addUser();
    if (user.uid !== undefined && user.gid !== undefined) fs.chownSync(home, user.uid, user.gid);
    const world = new World(home, agentFile, user, new Agent(agentFile, home, user));
    const facts = await world.agent.do<Pick<World, 'opaqueXattr' | 'canMakeDevices'>>('detect');
    world.opaqueXattr = facts.opaqueXattr;
    world.canMakeDevices = facts.canMakeDevices;
    await world.agent.do('materialize', { tar: world.path('base.tar'), directory: world.base });
    return world;
  }

  public opaqueXattr = '';
  public canMakeDevices = false;
  private count = 0;

  private constructor(
    public readonly home: string,
    private readonly agentFile: string,
    public readonly user: Ids,
    public readonly agent: Agent,
  ) {}

  public get base(): string {
    return this.path('base');
  }

  public path(...names: string[]): string {
    return path.join(this.home, ...names);
  }

  /** A further process, of the user's or another. */
  public async newAgent(stdio: readonly unknown[] = [], user: Ids = this.user): Promise<Agent> {
    const agent = new Agent(this.agentFile, this.newName('home'), user, stdio);
    await agent.do('detect').catch((error: unknown) => {
      agent.end();
      throw error;
    });
    return agent;
  }

  public newName(prefix: string): string {
    return this.path(`${prefix}-${String(++this.count)}`);
  }

  /** A directory of the user's, with files in it. */
  public directory(files: Readonly<Record<string, string>> = {}, prefix = 'directory'): string {
    const directory = this.newName(prefix);
    for (const [name, content] of Object.entries({ ...files })) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), content);
    }
    fs.mkdirSync(directory, { recursive: true });
    if (this.user.uid !== undefined)
      execFileSync('chown', ['-R', '-h', `${String(this.user.uid)}:${String(this.user.gid)}`, directory]);
    return directory;
  }

  /** Directories for a run, and what is not said otherwise. */
  public options(script: string, more: Partial<RunOptions> = {}): RunOptions {
    const upper = this.directory({}, 'upper');
    return { lowers: [this.base], upper, work: `${upper}-work`, script, env: {}, network: 'host', ...more };
  }

  public run(driver: Driver, options: RunOptions): Promise<Ran> {
    return this.agent.do<Ran>('runScript', { driver, options });
  }

  /** What a script changed: `MODE UID/GID PATH[ -> TARGET]` by path, in overlay form, with attributes below; the root left out. */
  public async changes({ upper }: RunOptions): Promise<string[]> {
    const file = `${upper}.tar`;
    await this.agent.do('readUpper', { directory: upper, file });
    return list(file).filter((line) => !line.endsWith(' ./'));
  }

  public async end(): Promise<void> {
    await this.agent.do('removeTree', { directory: this.home });
    this.agent.end();
    if (this.user.uid !== undefined) spawnSync('userdel', [USER]);
  }
}

/** Command lines of the processes on this machine that have a text in them. */
export function processesWith(text: string): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // gone meanwhile
      }
    })
    .filter((line) => line.includes(text));
}

/** Waits for something; fails after ten seconds. */
export async function until(what: () => boolean): Promise<void> {
  for (let attempt = 0; !what(); attempt += 1) {
    if (attempt === 200) throw new Error('waited ten seconds in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function addUser(): { uid: number; gid: number } {
  if (process.getuid?.() !== 0) throw new Error('these tests need root');
  if (spawnSync('id', [USER]).status !== 0) execFileSync('useradd', ['--no-create-home', USER]);
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' })));
  return { uid: uid!, gid: gid! };
}

/** A user that has no subordinate ids. */
export const POOR_USER = ORDINARY_USER;

/** A root filesystem of busybox: everything is root's, and old. */
function makeBase(file: string): void {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-base-'));
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  fs.mkdirSync(path.join(root, 'bin'));
  fs.copyFileSync(busybox, path.join(root, 'bin/busybox'));
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (name !== 'busybox') fs.symlinkSync('busybox', path.join(root, 'bin', name));
  }
  const files = {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
    'data/one': 'one\n',
    'data/two': 'two\n',
    'data/deep/three': 'three\n',
  };
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
  }
  execFileSync('tar', [
    '-cf',
    file,
    '--owner=0',
    '--group=0',
    '--mode=u=rwX,go=rX',
    '--mtime=@1000000000',
    '-C',
    root,
    '.',
  ]);
  fs.rmSync(root, { recursive: true });
}

/** GNU tar's list of an archive, without sizes and times. */
export function list(file: string): string[] {
  const args = ['-tvvf', file, '--numeric-owner', '--xattrs', '--xattrs-include=*', '--full-time'];
  const listing = execFileSync('tar', args, { encoding: 'utf8', env: { PATH: process.env['PATH'], LC_ALL: 'C' } });
  return listing.trimEnd().split('\n').map(withoutSizeAndTime);
}

function withoutSizeAndTime(line: string): string {
  const [, bytes, attribute] = /^ +x: +(\d+) (\S+)$/.exec(line) ?? [];
  if (attribute !== undefined) return ` ${attribute} (${bytes ?? ''})`;
  const [, mode = '', owner = '', size = '', name = ''] =
    /^(\S{10})\S? +(\d+\/\d+) +([\d,]+) +\S+ +\S+ +(.*)$/.exec(line) ?? [];
  return [mode, owner, ...(size.includes(',') ? [size] : []), name].join(' ');
}
