import * as os from 'node:os';
import { combine } from './combine';
import { constructs } from './constructs';
import { nothing } from './nothing';
import { packing } from './packing';
import { parallel } from './parallel';
import { recipe } from './recipe';
import { registry } from './registry';
import { Workplace } from './workplace';

/** What can be measured, and how often it is by default. */
const PARTS: Readonly<
  Record<string, readonly [part: (workplace: Workplace, rounds: number) => void | Promise<void>, rounds: number]>
> = {
  packing: [packing, 5],
  nothing: [nothing, 5],
  constructs: [constructs, 5],
  parallel: [parallel, 3],
  combine: [combine, 5],
  recipe: [recipe, 3],
  registry: [registry, 5],
};

/** Measures one part in a directory of its own. */
async function run(name: string): Promise<void> {
  const [part, times] = PARTS[name]!;
  const rounds = Number(process.env['BENCH_PAIRS'] ?? times);
  console.log(`\n${name}: medians of ${String(rounds)}, ${String(os.availableParallelism())} processors`);
  const workplace = new Workplace();
  try {
    await part(workplace, rounds);
  } finally {
    workplace.remove();
  }
}

async function runAll(parts: readonly string[]): Promise<void> {
  for (const name of parts) await run(name);
}

// A command that is interrupted fails; then what was made is removed.
process.on('SIGINT', () => undefined);
const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`no part '${unknown.join("', '")}', only ${Object.keys(PARTS).join(', ')}`);
  process.exitCode = 2;
} else {
  void runAll(names.length > 0 ? names : Object.keys(PARTS));
}
