import { messageOf, run, StackError, type RunResult } from '../core';
import type { Credential } from './credential';
import { printableText } from './printable';

const NAME = /^[A-Za-z0-9._-]+$/;
const TIMEOUT = 30_000;
const MAX_OUTPUT = 64 * 1024;
/** What helpers print when they have nothing; the protocol has no better sign. */
const NOT_FOUND = /credentials not found in native keychain/i;

/**
 * Asks `docker-credential-NAME get` (docker/docker-credential-helpers). What it prints is never part of an error: it may be the secret.
 * @throws StackError STACK6105
 */
export async function askHelper(name: string, server: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const command = `docker-credential-${name}`;
  if (!NAME.test(name))
    throw new StackError('STACK6105', `'${printableText(name)}' is not the name of a credential helper`);
  const { status, stdout, stderr } = await runHelper(command, server, env);
  if (NOT_FOUND.test(stdout) || NOT_FOUND.test(stderr)) return undefined;
  if (status !== 0) {
    throw failure(
      command,
      server,
      `it ended with status ${String(status)}: ${printableText(stderr) || 'no reason given'}`,
    );
  }
  const { Username: username, Secret: secret } = parse(stdout);
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw failure(command, server, 'its answer has no Username and Secret');
  }
  if (username === '' && secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'identity', token: secret }
    : { kind: 'password', username, password: secret };
}

async function runHelper(command: string, server: string, env: NodeJS.ProcessEnv): Promise<RunResult> {
  try {
    return await run(command, ['get'], {
      env,
      input: server,
      maxOutput: MAX_OUTPUT,
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    throw failure(command, server, messageOf(error));
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function failure(command: string, server: string, why: string): StackError {
  return new StackError('STACK6105', `${command} gives no credentials for ${server}: ${why}`, {
    hint: 'install or mend the helper, or remove it from credHelpers and credsStore of the configuration',
  });
}
