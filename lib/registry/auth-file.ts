import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { errnoOf, messageOf, StackError } from '../core';
import { formatRepository, registryOfHost, type Repository } from '../oci';
import { askHelper } from './credential-helper';
import type { Credential, CredentialSource } from './credential';

const MAX_FILE = 1024 * 1024;
/** The name Docker Hub has in credential stores. */
const HUB_SERVER = 'https://index.docker.io/v1/';

type Members = Readonly<Record<string, unknown>>;

/** The files that may hold credentials, in the order they are asked (docker login(1), containers-auth.json(5)). */
export function authFiles(env: NodeJS.ProcessEnv): readonly string[] {
  const home = env['HOME'] ?? os.homedir();
  const runtime = env['XDG_RUNTIME_DIR'];
  const given = env['REGISTRY_AUTH_FILE'];
  return [
    path.join(env['DOCKER_CONFIG'] ?? path.join(home, '.docker'), 'config.json'),
    ...(given === undefined ? [] : [given]),
    ...(runtime === undefined ? [] : [path.join(runtime, 'containers', 'auth.json')]),
    path.join(env['XDG_CONFIG_HOME'] ?? path.join(home, '.config'), 'containers', 'auth.json'),
  ];
}

/** Credentials of one file, which is read when they are first asked for; of a file that does not exist: undefined. */
export function credentialsOfFile(file: string, env: NodeJS.ProcessEnv): () => Promise<CredentialSource | undefined> {
  let reading: Promise<Members | undefined> | undefined;
  return async () => {
    const config = await (reading ??= readAuthFile(file));
    return config && ((repository) => find(config, repository, file, env));
  };
}

async function readAuthFile(file: string): Promise<Members | undefined> {
  try {
    const { size } = await fs.stat(file);
    if (size > MAX_FILE) throw new Error(`it has ${String(size)} bytes`);
    const parsed = JSON.parse(await fs.readFile(file, 'utf8')) as unknown;
    if (typeof parsed !== 'object' || parsed === null) throw new Error('it is not a JSON object');
    return parsed as Members;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    // A parser's message quotes what it read, which may be a secret; nor is it kept as the cause.
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw new StackError('STACK6105', `cannot read the credentials in '${file}': ${why}`, {
      hint: 'mend or remove the file; docker login or skopeo login writes it anew',
    });
  }
}

async function find(
  config: Members,
  repository: Repository,
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  const { registry } = repository;
  const server = registry === 'docker.io' ? HUB_SERVER : registry;
  const helper = byServer(config['credHelpers'], [registry]) ?? config['credsStore'];
  const stored = typeof helper === 'string' && helper !== '' ? await askHelper(helper, server, env) : undefined;
  return stored ?? credentialOf(byServer(config['auths'], keysFor(repository)), file);
}

/** The repository and everything above it, down to the host: the most specific entry counts. */
function keysFor(repository: Repository): readonly string[] {
  const parts = formatRepository(repository).split('/');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

/** The entry under the first of the keys. Whole keys are compared: a part of a host's name is another host. */
function byServer(entries: unknown, keys: readonly string[]): unknown {
  if (typeof entries !== 'object' || entries === null) return undefined;
  const known = new Map<string, unknown>();
  for (const [key, entry] of Object.entries(entries)) {
    const normal = normalKey(key);
    if (!known.has(normal) || key === normal) known.set(normal, entry);
  }
  const found = keys.find((key) => known.has(key));
  return found === undefined ? undefined : known.get(found);
}

/** `https://index.docker.io/v1/` and the like as `HOST[/PATH]`. */
function normalKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const slash = plain.indexOf('/');
  return slash < 0 ? registryOfHost(plain) : `${registryOfHost(plain.slice(0, slash))}${plain.slice(slash)}`;
}

function credentialOf(entry: unknown, file: string): Credential | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { auth, username, password, identitytoken, registrytoken } = entry as Members;
  if (isText(registrytoken)) return { kind: 'bearer', token: registrytoken };
  if (isText(identitytoken)) return { kind: 'identity', token: identitytoken };
  if (isText(auth)) {
    const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon < 0) throw new StackError('STACK6105', `'${file}' has an 'auth' that is not base64 of USER:PASSWORD`);
    return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  return isText(username) && isText(password) ? { kind: 'password', username, password } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
