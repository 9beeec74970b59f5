import * as path from 'node:path';
import { Generator } from './oracle/histories/generator';
import { Random, seedsOf } from './oracle/histories/random';
import { StoreDamage } from './oracle/histories/damage';
import { readLayout } from './oracle/histories/reader';
import { HistoryWorld } from './oracle/histories/world';

/** In CI; many more are run by hand with STACK_RUNS. */
const RUNS = 8;
const MINUTE = 60_000;

/** @returns how many deploys ended with an error that a fresh store does not give */
async function run(seed: number): Promise<number> {
  const random = new Random(seed);
  const generator = new Generator(random, random.chance(0.6));
  const world = new HistoryWorld();
  const store = world.path('store');
  const done: string[] = [];
  let errors = 0;
  try {
    let model = generator.app();
    world.write(model);
    await world.deploy(model, { store, targets: [`oci:${world.path('first')}`] });
    for (let turn = 0; turn < 3; turn += 1) {
      done.push(...new StoreDamage(path.join(store, 'v1'), random).strike());
      if (random.chance(0.4)) model = generator.changed(model);
      world.write(model);
      const layout = world.path(`oci-${String(turn)}`);
      const used = await world.deploy(model, { store, targets: [`oci:${layout}`] });
      const afresh = await world.deployAfresh(model);
      expect(used.errors).not.toContain('STACK9001');
      if (used.errors.length > 0 && afresh.errors.length === 0) errors += 1;
      else expect(used.digests).toEqual(afresh.digests);
      if (used.errors.length === 0) await readLayout(layout);
    }
    return errors;
  } catch (error) {
    const how = `STACK_SEED=${String(seed)} STACK_RUNS=1: ${done.join('; ')}`;
    throw new Error(`${how}: ${(error as Error).message}`, { cause: error });
  } finally {
    world.remove();
  }
}

test(
  'a deploy with a store that was damaged in any way publishes what a deploy with a fresh one does',
  async () => {
    const seeds = seedsOf(RUNS);
    let errors = 0;
    for (const seed of seeds) errors += await run(seed);
    process.stderr.write(
      `damaged stores: seeds ${String(seeds[0])} to ${String(seeds.at(-1))}, 3 deploys each, ${String(errors)} of them errors\n`,
    );
    expect(errors).toBe(0);
  },
  Number(process.env['STACK_RUNS'] ?? '0') * MINUTE + 10 * MINUTE,
);
