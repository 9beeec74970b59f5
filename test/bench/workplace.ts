import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { measure, type Comparison, type Run } from './measure';

const PACKAGE = path.resolve(__dirname, '../..');
const STACK = path.join(PACKAGE, 'bin/stack');

/** A temporary directory of one part, with a store of its own. */
export class Workplace {
  private readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-bench-'));
  private readonly env = { ...process.env, STACK_HOME: this.path('store') };

  public path(name: string): string {
    return path.join(this.directory, name);
  }

  /** Makes a project with an app of JavaScript; gives its directory. */
  public project(app: string): string {
    const directory = this.path('project');
    fs.mkdirSync(path.join(directory, 'node_modules'), { recursive: true });
    fs.symlinkSync(PACKAGE, path.join(directory, 'node_modules/cdk-stack'));
    fs.writeFileSync(path.join(directory, 'cdk-stack.json'), '{ "app": "node app.js" }');
    fs.writeFileSync(path.join(directory, 'app.js'), app);
    return directory;
  }

  /** Times a shell command in the project. */
  public inProject(command: string): Run {
    return measure(`cd ${this.path('project')} && ${command}`, this.env);
  }

  /** Times `stack` in the project. */
  public stack(args: string): Run {
    return this.inProject(this.command(args));
  }

  /** The shell command that runs `stack`. */
  public command(args: string): string {
    return `${STACK} ${args}`;
  }

  /** Removes some of what is here, and lets the disk come to rest. */
  public clear(...names: readonly string[]): void {
    for (const name of names) fs.rmSync(this.path(name), { recursive: true, force: true });
    spawnSync('sync');
  }

  public remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Prints one line of what was compared. */
export function row(what: string, { peer, ours, theirs, ratio }: Comparison): void {
  console.log(`${what.padEnd(30)} ratio ${ratio.toFixed(2)}   ours ${told(ours)}   ${peer} ${told(theirs)}`);
}

function told({ wall, peak }: Run): string {
  return `${wall.toFixed(2)} s, peak ${peak.toFixed(0)} MB`;
}

/** Prints one line of what has no peer. */
export function line(what: string, result: string): void {
  console.log(`${what.padEnd(30)} ${result}`);
}
