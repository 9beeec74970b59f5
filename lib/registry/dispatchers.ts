import { promises as fs } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { errnoOf, messageOf, StackError } from '../core';
import { isLoopback } from './addresses';

/** How a host is spoken to. */
export interface HostOptions {
  /** Speak http instead of https. @default true for this machine (localhost, 127/8, ::1), false for others */
  readonly plainHttp?: boolean;
  /** Accept any certificate. @default false */
  readonly skipTlsVerify?: boolean;
  /** Certificates of CAs to trust besides the system's, in PEM. @default those in certs.d */
  readonly ca?: string | readonly string[];
  /** Certificate and key to show to the host, in PEM. @default those in certs.d */
  readonly cert?: string;
  readonly key?: string;
  /** Registries that are asked first when something is read; each is told the real one's name as `?ns=`. @default none */
  readonly mirrors?: readonly string[];
}

interface TlsOptions {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Connections to hosts: each with its own certificates, through the proxy the environment names. */
export class Dispatchers {
  private readonly made = new Map<string, Promise<Dispatcher>>();

  /** @param hosts options by the host that answers */
  public constructor(
    private readonly hosts: ReadonlyMap<string, HostOptions>,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @throws StackError STACK6103 when a certificate's file cannot be read */
  public for(url: URL): Promise<Dispatcher> {
    const made = this.made.get(url.host) ?? this.make(url);
    this.made.set(url.host, made);
    return made;
  }

  /** Closes all connections. */
  public async close(): Promise<void> {
    const all = await Promise.allSettled(this.made.values());
    this.made.clear();
    await Promise.all(all.flatMap((each) => (each.status === 'fulfilled' ? [each.value.destroy()] : [])));
  }

  private async make({ host, hostname }: URL): Promise<Dispatcher> {
    const options = this.hosts.get(host) ?? {};
    const found = await readCertificates(
      certificateDirectories(this.env).map((directory) => path.join(directory, host)),
    );
    const ca = options.ca === undefined ? found.ca : [options.ca].flat();
    const tls: TlsOptions = {
      ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
      ...(options.cert === undefined
        ? found.pair
        : { cert: options.cert, ...(options.key === undefined ? {} : { key: options.key }) }),
      ...(options.skipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    };
    if (isLoopback(hostname)) return new Agent({ connect: tls });
    return new EnvHttpProxyAgent({ connect: tls, requestTls: tls, ...this.proxies() });
  }

  private proxies(): EnvHttpProxyAgent.Options {
    const variable = (name: string): string => this.env[name.toLowerCase()] ?? this.env[name] ?? '';
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) requireProxy(name, variable(name));
    return { httpProxy: variable('HTTP_PROXY'), httpsProxy: variable('HTTPS_PROXY'), noProxy: variable('NO_PROXY') };
  }
}

/** @throws StackError STACK1005, without the text, in which there may be a password */
function requireProxy(name: string, value: string): void {
  if (value === '' || /^https?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')) return;
  throw new StackError('STACK1005', `the variable ${name} is not the http or https URL of a proxy`, {
    hint: 'write http://HOST:PORT, or unset the variable',
  });
}

/** Where Docker and Podman have certificates by host (containers-certs.d(5)). */
function certificateDirectories(env: NodeJS.ProcessEnv): readonly string[] {
  const home = env['HOME'] ?? os.homedir();
  return [path.join(home, '.config/containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d'];
}

interface Certificates {
  readonly ca: string[];
  readonly pair: { readonly cert?: string; readonly key?: string };
}

/**
 * The certificates of the first directory that is there: CAs are `*.crt`, ours `NAME.cert` with `NAME.key`.
 * @throws StackError STACK6103
 */
async function readCertificates(directories: readonly string[]): Promise<Certificates> {
  for (const directory of directories) {
    const names = await namesIn(directory);
    if (names === undefined) continue;
    const read = (name: string): Promise<string> =>
      fs.readFile(path.join(directory, name), 'utf8').catch((error: unknown) => {
        throw unreadable(directory, error);
      });
    const ca = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(read));
    const cert = names.find((name) => name.endsWith('.cert'));
    if (cert === undefined) return { ca, pair: {} };
    return { ca, pair: { cert: await read(cert), key: await read(cert.replace(/\.cert$/, '.key')) } };
  }
  return { ca: [], pair: {} };
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await fs.readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw unreadable(directory, error);
  }
}

function unreadable(directory: string, error: unknown): StackError {
  return new StackError('STACK6103', `cannot read the certificates in '${directory}': ${messageOf(error)}`, {
    hint: 'every NAME.cert needs its NAME.key beside it, readable for this user',
    cause: error,
  });
}
