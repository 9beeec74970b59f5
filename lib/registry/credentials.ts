import { StackError } from '../core';
import { registryOfHost } from '../oci';
import { authFiles, credentialsOfFile } from './auth-file';
import type { Credential, CredentialSource } from './credential';

/**
 * Credentials by host, each for exactly that host.
 * @param byHost keys such as `ghcr.io` or `localhost:5000`
 */
export function fixedCredentials(byHost: Readonly<Record<string, Credential>>): CredentialSource {
  const entries = new Map(Object.entries(byHost).map(([host, credential]) => [registryOfHost(host), credential]));
  return ({ registry }) => Promise.resolve(entries.get(registry));
}

/**
 * Credentials where users of Docker and Podman have them, the first that is found: the environment
 * (`STACK_REGISTRY_HOST` with `STACK_REGISTRY_USERNAME` and `STACK_REGISTRY_PASSWORD`, or `STACK_REGISTRY_TOKEN`),
 * Docker's config.json, `$REGISTRY_AUTH_FILE`, and the auth.json of containers/image. Files are read once.
 * @throws StackError STACK6105, when asked, if a file or a credential helper cannot be used
 */
export function defaultCredentials(env: NodeJS.ProcessEnv = process.env): CredentialSource {
  const sources = [
    () => Promise.resolve(fromEnvironment(env)),
    ...authFiles(env).map((file) => credentialsOfFile(file, env)),
  ];
  return async (repository) => {
    for (const source of sources) {
      const found = await (await source())?.(repository);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): CredentialSource | undefined {
  const host = env['STACK_REGISTRY_HOST'];
  const username = env['STACK_REGISTRY_USERNAME'];
  const password = env['STACK_REGISTRY_PASSWORD'];
  const token = env['STACK_REGISTRY_TOKEN'];
  if (username === undefined && password === undefined && token === undefined) return undefined;
  if (host === undefined || (token === undefined && (username === undefined || password === undefined))) {
    throw new StackError('STACK6105', 'the environment has only a part of the credentials for a registry', {
      hint: 'set STACK_REGISTRY_HOST, and STACK_REGISTRY_USERNAME with STACK_REGISTRY_PASSWORD or STACK_REGISTRY_TOKEN',
    });
  }
  const credential: Credential =
    token === undefined
      ? { kind: 'password', username: username ?? '', password: password ?? '' }
      : { kind: 'bearer', token };
  return fixedCredentials({ [host]: credential });
}
