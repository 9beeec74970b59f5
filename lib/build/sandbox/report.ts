import type { Readable } from 'node:stream';
import { StackError } from '../../core';
import { tailOf } from './process';
import { NO_INTERPRETER, PROCESS, STATUS } from './setup-protocol';

/** What the set-up of a sandbox tells us: its process, then what goes wrong, or how the script ended. */
export class Report {
  /** Process 1 of the sandbox, by our numbers. When it ends everything in the sandbox has ended. */
  public init: number | undefined;
  private text = (): string => '';

  /** Takes all that comes. */
  public follow(stream: Readable): void {
    this.text = tailOf(stream);
    stream.once('data', (chunk: string) => {
      const pid = new RegExp(`^${PROCESS} (\\d+)\n`).exec(chunk)?.[1];
      if (pid !== undefined) this.init = Number(pid);
    });
  }

  /**
   * The script's exit status, once everything was read.
   * @param interpreter what was to run it
   * @throws StackError STACK4010, STACK4011, STACK7002 when it was not started
   */
  public status(interpreter: string): number {
    const said = this.text()
      .replace(new RegExp(`^${PROCESS} .*\n`), '')
      .trim();
    const last = said.split('\n').at(-1) ?? '';
    const status = new RegExp(`^${STATUS} (\\d+)$`).exec(last)?.[1];
    if (status !== undefined) return Number(status);
    if (last === NO_INTERPRETER) {
      throw new StackError('STACK4011', `the base has no '${interpreter}' to run the script`, {
        hint: 'choose a base that has it, import it, or start the script with the #! line of an interpreter that is there',
      });
    }
    if (/No space left on device|Disk quota exceeded/.test(said)) {
      throw new StackError('STACK7002', `no space left while making a sandbox: ${last}`, {
        hint: 'free some space, or set STACK_HOME to a directory on a larger file system',
      });
    }
    throw new StackError('STACK4010', `the sandbox cannot be made: ${said || 'it was killed'}`);
  }
}
