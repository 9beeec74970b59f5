import { Namespace, type Driver } from './sandbox';

/** What scripts are run with. */
export interface Sandbox {
  readonly namespace: Namespace;
  readonly driver: Driver;
}

/**
 * Finds out, once, what scripts can be run with on this machine.
 * @throws StackError STACK4010, which says what to install or to set up
 */
export function sandboxOnce(signal: AbortSignal | undefined): () => Promise<Sandbox> {
  let found: Promise<Sandbox> | undefined;
  return () => (found ??= Namespace.detect({ signal }).then((namespace) => ({ namespace, driver: 'unshare' })));
}
