import type { Listener } from '../core';
import type * as registryModule from '../registry';
import type { Registry, RegistryEvent } from '../registry';

/** The one client of registries of a build. */
export interface RegistryOnce {
  /** The client, made when it is first asked for: most builds need none. */
  readonly get: () => Registry;
  /** Closes it, if there is one. */
  readonly close: () => Promise<void>;
}

/** @param listener told of pauses and warnings; progress is told by those who know what it is for */
export function registryOnce(listener: Listener): RegistryOnce {
  let made: Registry | undefined;
  const onEvent = (event: RegistryEvent): void => {
    tell(listener, event);
  };
  return {
    get: () => (made ??= new (library().Registry)({ onEvent })),
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
  if (event.code === 'request-retried' || event.code === 'registry-paused') listener(event);
  if (event.code === 'registry-warning') {
    listener({ code: 'warning', id: 'registry', message: `${event.registry}: ${event.message}` });
  }
}
