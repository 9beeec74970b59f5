import type { Store } from '../store';
import { chooseDriver, Namespace, removeTree, type Driver, type SandboxChoice } from './sandbox';

/** What scripts are run with. */
export interface Sandbox {
  readonly namespace: Namespace;
  readonly driver: Driver;
}

/**
 * Finds out, once, what scripts can be run with on this machine.
 * @throws StackError STACK4010, which says what to install or to set up
 */
export function sandboxOnce(
  store: Store,
  choice: SandboxChoice,
  signal: AbortSignal | undefined,
): () => Promise<Sandbox> {
  let found: Promise<Sandbox> | undefined;
  return () => (found ??= prepare(store, choice, signal));
}

async function prepare(store: Store, choice: SandboxChoice, signal: AbortSignal | undefined): Promise<Sandbox> {
  const namespace = await Namespace.detect({ signal });
  const probes = await store.runDirectory();
  try {
    return { namespace, driver: await chooseDriver(namespace, choice, probes, { signal }) };
  } finally {
    await removeTree(namespace, probes);
  }
}
