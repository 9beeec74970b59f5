import { redactReference, StackError, type Listener } from '../core';
import { isHost } from '../oci';
import type * as registryModule from '../registry';
import type { Registry, RegistryEvent } from '../registry';

/** The one client of registries of a build. */
export interface RegistryOnce {
  /** The client, made when it is first asked for: most builds need none. */
  readonly get: () => Registry;
  /** Closes it, if there is one. */
  readonly close: () => Promise<void>;
}

/** What a client of registries is made with. */
export interface RegistryOnceOptions {
  /** Hosts that are spoken to without encryption. */
  readonly plainHttp?: readonly string[] | undefined;
  /** Told of all but what is pulled: that is told by those who know what it is for. */
  readonly listener: Listener;
}

/**
 * Makes nothing yet.
 * @throws StackError STACK1001 for a host that is none
 */
export function registryOnce({ plainHttp = [], listener }: RegistryOnceOptions): RegistryOnce {
  const wrong = plainHttp.find((host) => !isHost(host));
  if (wrong !== undefined) {
    const hint = 'write HOST or HOST:PORT, without a scheme and a path';
    throw new StackError('STACK1001', `'${redactReference(wrong)}' is not the host of a registry`, { hint });
  }
  let made: Registry | undefined;
  const hosts = Object.fromEntries(plainHttp.map((host) => [host, { plainHttp: true }]));
  const onEvent = (event: RegistryEvent): void => {
    tell(listener, event);
  };
  return {
    get: () => (made ??= new (library().Registry)({ hosts, onEvent })),
    close: async () => {
      await made?.close();
    },
  };
}

/** Loads the client and the HTTP library under it, which takes longer than a deploy with nothing to do. */
function library(): typeof registryModule {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid by every deploy
  return require('../registry') as typeof registryModule;
}

function tell(listener: Listener, event: RegistryEvent): void {
  switch (event.code) {
    case 'request-retried':
    case 'registry-paused':
      listener(event);
      break;
    case 'registry-warning':
      listener({ code: 'warning', id: 'registry', message: `${event.registry}: ${event.message}` });
      break;
    case 'blob-uploaded':
      listener({ code: 'blob-written', target: event.repository, digest: event.digest, size: event.size });
      break;
    case 'blob-mounted': {
      const { repository: target, digest, size, from } = event;
      listener({ code: 'blob-mounted', target, digest, size, from });
      break;
    }
    case 'blob-progress': {
      const { repository: target, digest, size, bytes } = event;
      if (event.direction === 'push') listener({ code: 'blob-progress', target, digest, size, bytes });
      break;
    }
    case 'manifest-published':
    case 'tag-published':
      break;
  }
}
