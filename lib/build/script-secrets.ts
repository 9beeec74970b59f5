import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { messageOf, StackError } from '../core';
import type { SecretPlan } from '../plan';
import type { BuildContext } from './context';
import type { SandboxSecret } from './sandbox';

/** Bytes that a secret may have; whatever is larger is none. */
const MAX_SECRET = 1024 * 1024;

/**
 * Reads a layer's secrets, for a script that is about to run.
 * @throws StackError STACK3003 for one that is not there; no message shows any of it
 */
export function readSecrets(context: BuildContext, secrets: readonly SecretPlan[]): Promise<readonly SandboxSecret[]> {
  return Promise.all(secrets.map(async (secret) => ({ target: secret.dest, content: await read(context, secret) })));
}

async function read({ directory }: BuildContext, { id, source }: SecretPlan): Promise<Buffer> {
  if (source.type === 'env') {
    const value = process.env[source.name];
    if (value !== undefined && value !== '') return Buffer.from(value);
    throw new StackError('STACK3003', `the secret '${id}' is not there: the variable ${source.name} is not set`, {
      hint: `set ${source.name} in the environment of the command`,
    });
  }
  const file = path.resolve(directory, source.path);
  try {
    const { size } = await fs.stat(file);
    if (size <= MAX_SECRET) return await fs.readFile(file);
  } catch (error) {
    throw new StackError('STACK3003', `the secret '${id}' cannot be read: ${messageOf(error)}`, { cause: error });
  }
  throw new StackError(
    'STACK3003',
    `the secret '${id}' in '${source.path}' is larger than ${String(MAX_SECRET)} bytes`,
  );
}
