import { outliveOutput } from './output';
import { packageInfo } from './package-info';
import type * as processModule from './process';

/** The command `stack`: runs a command line in this process, and sets its exit status. */
export function main(argv: readonly string[]): void {
  outliveOutput();
  // What scripts and prompts ask most must not wait for anything else to load.
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${packageInfo().version}\n`);
    return;
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would always be loaded
  const { runInProcess } = require('./process') as typeof processModule;
  runInProcess(argv);
}
