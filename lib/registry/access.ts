import type { Repository } from '../oci';
import type { RegistryListener } from './events';
import type { Host } from './host';

/** A repository with the way to it, for one piece of work. */
export interface Access {
  readonly host: Host;
  readonly repository: Repository;
  readonly listener: RegistryListener;
  readonly signal?: AbortSignal | undefined;
}
