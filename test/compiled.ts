import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { transformSync } from '@swc/core';

const ROOT = path.join(__dirname, '..');

/**
 * Parts of the library as JavaScript in a directory, for tests that need processes of their own. (Compiled afresh: what is in
 * `dist` may be old.)
 * @param folders below `lib`
 */
export function compileLibrary(directory: string, folders: readonly string[]): void {
  for (const folder of folders) {
    const source = path.join(ROOT, 'lib', folder);
    for (const name of fs.readdirSync(source, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const target = path.join(directory, folder, name.replace(/\.ts$/, '.js'));
      const { code } = transformSync(fs.readFileSync(path.join(source, name), 'utf8'), {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      });
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, code);
    }
  }
}

/** A process that runs a script in which `lib(folder)` is a compiled folder of the library. */
export class Child {
  public readonly output: string[] = [];
  private readonly process: ChildProcess;
  private readonly exit: Promise<number | string>;

  /** @param arguments_ in `args` of the script, as JSON */
  public constructor(library: string, script: string, ...arguments_: unknown[]) {
    const preamble = `const lib = (name) => require(${JSON.stringify(`${library}/`)} + name);
const args = JSON.parse(process.argv[1]);
`;
    this.process = spawn(
      process.execPath,
      ['-e', `${preamble}(async () => {${script}})()`, JSON.stringify(arguments_)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_PATH: path.join(ROOT, 'node_modules') },
      },
    );
    this.process.stdout?.on('data', (chunk: Buffer) => this.output.push(chunk.toString()));
    this.exit = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        resolve(code ?? signal ?? 'none');
      });
    });
  }

  public get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Waits until the script has printed something. */
  public async says(text: string): Promise<void> {
    while (!this.output.join('').includes(text)) {
      if (this.process.exitCode !== null) throw new Error(`the script ended with ${String(this.process.exitCode)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  public kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Exit status, or the signal that ended it. */
  public async ended(): Promise<number | string> {
    return this.exit;
  }
}
