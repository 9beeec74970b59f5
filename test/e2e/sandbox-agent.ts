import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import * as readline from 'node:readline';
import * as v8 from 'node:v8';
import type { StackErrorJson } from '../../lib/core';
import { commandAs, type User } from './as-root';

/**
 * What runs in a process of another user: the installed package, on request. Requests and replies are lines, so that
 * they get through sudo; objects and buffers in them come and go as they are.
 */
export const AGENT = `'use strict';
const fs = require('node:fs');
const { pipeline } = require('node:stream/promises');
const readline = require('node:readline');
const v8 = require('node:v8');
const sandbox = require(process.argv[2] + '/node_modules/cdk-stack/dist/build/sandbox');
let namespace;
const aborts = new Map();
const die = () => process.kill(process.pid, 'SIGKILL');
const send = (reply) => process.stdout.write(v8.serialize(reply).toString('base64') + '\\n');
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
    const written = [];
    const abort = new AbortController();
    aborts.set(id, abort);
    const onOutput = (chunk) => {
      written.push(chunk);
      send({ id, output: chunk.toString() });
    };
    const { status } = await sandbox.runScript(namespace, driver, { ...options, onOutput, signal: abort.signal });
    return { status, output: Buffer.concat(written).toString() };
  },
  abort: ({ run }) => aborts.get(run).abort(new Error('enough')),
  die,
};
readline.createInterface({ input: process.stdin }).on('close', die).on('line', async (line) => {
  const { id, action, args } = v8.deserialize(Buffer.from(line, 'base64'));
  try {
    send({ id, value: await actions[action](args, id) });
  } catch (error) {
    send({ id, error: error.toJSON?.() ?? { message: error.stack } });
  }
});
`;

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

/** What an agent starts with, if not with as little as possible. */
export interface AgentOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command that executes the one in its arguments. */
  readonly through?: readonly string[];
}

/** A process of some user's that has the package do things. */
export class Agent {
  private readonly process: ChildProcessByStdio<Writable, Readable, null>;
  private last = 0;
  private readonly replies = new Map<number, (reply: Reply) => void>();
  private readonly gone: Promise<void>;

  public constructor(file: string, home: string, user: User, { env, through = [] }: AgentOptions = {}) {
    const environment = { PATH: process.env['PATH'], HOME: home, ...env };
    const command = [...through, process.execPath, file, process.env['CDK_STACK_INSTALLED'] ?? ''];
    const [program, ...args] = commandAs(user, environment, command);
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.stdin.on('error', () => undefined); // it is gone, which is told below
    readline.createInterface({ input: this.process.stdout }).on('line', (line) => {
      const reply = v8.deserialize(Buffer.from(line, 'base64')) as Reply;
      this.replies.get(reply.id)?.(reply);
    });
    this.gone = new Promise((resolve) => this.process.once('close', () => resolve()));
    void this.gone.then(() => {
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
      this.process.stdin.write(`${v8.serialize({ id, action, args }).toString('base64')}\n`);
    });
    return { id, value };
  }

  public do<T = void>(action: string, args: object = {}): Promise<T> {
    return this.request<T>(action, args).value;
  }

  /** Has the process killed by SIGKILL, whoever it belongs to. */
  public async end(): Promise<void> {
    this.request('die').value.catch(() => undefined);
    await this.gone;
  }
}
