import type { Store } from '../store';
import { chooseDriver, Namespace, removeTree, type Driver } from './sandbox';

/** What scripts are run with. */
export interface Sandbox {
  readonly namespace: Namespace;
  readonly driver: Driver;
}

/**
 * Finds out, once, what scripts can be run with on this machine.
 * @throws StackError STACK4010, which says what to install or to set up
 */
export function sandboxOnce(store: Store, signal: AbortSignal | undefined): () => Promise<Sandbox> {
  let found: Promise<Sandbox> | undefined;
  return () => (found ??= prepare(store, signal));
}

async function prepare(store: Store, signal: AbortSignal | undefined): Promise<Sandbox> {
  const namespace = await Namespace.detect({ signal });
  const probes = await store.runDirectory();
  try {
    return { namespace, driver: await chooseDriver(namespace, 'auto', probes, { signal }) };
  } finally {
    await removeTree(namespace, probes);
  }
}
