import type { Listener } from '../core';
import type { Registry, RegistryEvent } from '../registry';
import type * as registryModule from '../registry';

/** What a client for registries is made with. */
export interface RegistryClientOptions {
  /** Hosts that are spoken to without encryption. */
  readonly plainHttp?: readonly string[] | undefined;
  readonly listener: Listener;
}

/** Runs work with a client for registries, which is closed afterwards. It is loaded only now: deploys to layouts need none. */
export async function withRegistry<T>(
  { plainHttp = [], listener }: RegistryClientOptions,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid by every deploy
  const { Registry: Client } = require('../registry') as typeof registryModule;
  const registry = new Client({
    hosts: Object.fromEntries(plainHttp.map((host) => [host, { plainHttp: true }])),
    onEvent: (event) => {
      tell(event, listener);
    },
  });
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

function tell(event: RegistryEvent, listener: Listener): void {
  switch (event.code) {
    case 'blob-uploaded':
      listener({ code: 'blob-written', target: event.repository, digest: event.digest, size: event.size });
      break;
    case 'blob-mounted': {
      const { repository: target, digest, size, from } = event;
      listener({ code: 'blob-mounted', target, digest, size, from });
      break;
    }
    case 'blob-progress': {
      const { direction, repository, digest, size, bytes } = event;
      listener({ code: 'blob-progress', direction, repository, digest, size, bytes });
      break;
    }
    case 'request-retried':
      listener({ code: 'registry-retried', registry: event.registry, reason: event.reason });
      break;
    case 'registry-paused':
      listener({ code: 'registry-retried', registry: event.registry, reason: 'it asks for fewer requests' });
      break;
    case 'registry-warning':
      listener({ code: 'warning', id: 'registry', message: `${event.registry}: ${event.message}` });
      break;
    case 'manifest-published':
    case 'tag-published':
      break;
  }
}
