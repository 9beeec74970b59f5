import { DebianSource } from '../../lib/build/debian';
import { LockFile, type DebianPlan } from '../../lib/plan';
import { Store } from '../../lib/store';

/** Provides the packages of a plan, given as JSON, and prints them; for tests that need another user. */
async function main([storeDirectory = '', app = '', plan = '']: readonly string[]): Promise<void> {
  const [store, lockFile] = [await Store.open(storeDirectory), await LockFile.load(app)];
  const source = new DebianSource({ store, lockFile, listener: () => undefined, frozen: false });
  process.stdout.write(JSON.stringify(await source.provide('x', JSON.parse(plan) as DebianPlan)));
}

void main(process.argv.slice(2));
