import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Driver, RunOptions } from '../../lib/build/sandbox';
import { addUser, asRoot, give, removeUser, ROOT_USER, type User } from './as-root';
import { writeBusyboxTar } from './busybox';
import { Agent, AGENT, type AgentOptions } from './sandbox-agent';

const MINUTE = 60_000;
/** A user of these tests' own. */
const USER = `cdk-stack-sandbox-${process.env['JEST_WORKER_ID'] ?? ''}`;

type Who = 'root' | 'an ordinary user';

/** How a script ended, and what it wrote. */
export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** A user, with a directory of theirs, a busybox base in it and an agent. */
export class World {
  /** Holds everything, and is everybody's. */
  public home = '';
  public user = ROOT_USER;
  public opaqueXattr = '';
  public canMakeDevices = false;
  private running: Agent | undefined;
  private count = 0;

  public constructor(private readonly who: Who) {}

  public async start(): Promise<void> {
    this.home = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-sandbox-'));
    fs.chmodSync(this.home, 0o777);
    fs.writeFileSync(this.path('agent.js'), AGENT);
    writeBusyboxTar(this.path('base.tar'), {
      files: {
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
        'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
        'data/one': 'one\n',
        'data/two': 'two\n',
        'data/deep/three': 'three\n',
      },
    });
    if (this.who !== 'root') this.user = addUser(USER);
    this.running = new Agent(this.path('agent.js'), this.home, this.user);
    Object.assign(this, await this.agent.do<Pick<World, 'opaqueXattr' | 'canMakeDevices'>>('detect'));
    await this.agent.do('materialize', { tar: this.path('base.tar'), directory: this.base });
  }

  public get agent(): Agent {
    if (this.running === undefined) throw new Error('this world has not started');
    return this.running;
  }

  public get base(): string {
    return this.path('base');
  }

  public path(...names: string[]): string {
    return path.join(this.home, ...names);
  }

  /** A further process, of the user's or another. */
  public async newAgent(options: AgentOptions = {}, user: User = this.user): Promise<Agent> {
    const agent = new Agent(this.path('agent.js'), this.newName('home'), user, options);
    try {
      await agent.do('detect');
    } catch (error) {
      await agent.end();
      throw error;
    }
    return agent;
  }

  public newName(prefix: string): string {
    return this.path(`${prefix}-${String(++this.count)}`);
  }

  /** A directory of the user's, with files in it. */
  public directory(files: Readonly<Record<string, string>> = {}, prefix = 'directory'): string {
    const directory = this.newName(prefix);
    for (const [name, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), content);
    }
    fs.mkdirSync(directory, { recursive: true });
    give(directory, this.user);
    return directory;
  }

  /** Directories for a run, and what is not said otherwise. A script without an interpreter gets a shell that traces nothing. */
  public options(text: string, more: Partial<RunOptions> = {}): RunOptions {
    const upper = this.directory({}, 'upper');
    const script = text.startsWith('#!') ? text : `#!/bin/sh -e\n${text}`;
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
    await this.running?.end();
    asRoot('rm', '-rf', this.home);
    if (this.who !== 'root') removeUser(USER);
  }
}

/** Tests for root and for an ordinary user, each with a world of theirs. */
export function describeForEachUser(tests: (world: World, who: Who) => void): void {
  jest.setTimeout(MINUTE);
  describe.each(['root', 'an ordinary user'] as const)('for %s', (who) => {
    const world = new World(who);

    beforeAll(() => world.start());

    afterAll(() => world.end());

    tests(world, who);
  });
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
