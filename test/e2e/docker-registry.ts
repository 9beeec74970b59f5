import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How Debian's docker-registry is started. */
export interface DockerRegistryOptions {
  /** Wants this name and password. @default nobody is asked */
  readonly account?: { readonly username: string; readonly password: string };
  /** Speaks https with a certificate nobody has signed. @default false */
  readonly tls?: boolean;
}

/** A request as the access log has it. */
export interface AnsweredRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly status: number;
}

const REQUEST = /"([A-Z]+) (\S+) HTTP\/1\.1" (\d+)/g;

/** Debian's docker-registry on 127.0.0.1, with a directory of its own. */
export class DockerRegistry {
  public static async start({ account, tls = false }: DockerRegistryOptions = {}): Promise<DockerRegistry> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-registry-'));
    const port = await freePort();
    const file = (name: string): string => path.join(directory, name);
    if (tls) makeCertificate(file('tls.key'), file('tls.crt'));
    if (account !== undefined) {
      fs.writeFileSync(file('htpasswd'), execFileSync('htpasswd', ['-Bbn', account.username, account.password]));
    }
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: file('data') }, delete: { enabled: true } },
      http: {
        addr: `127.0.0.1:${String(port)}`,
        ...(tls ? { tls: { certificate: file('tls.crt'), key: file('tls.key') } } : {}),
      },
      ...(account === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: file('htpasswd') } } }),
    };
    fs.writeFileSync(file('config.yml'), JSON.stringify(config)); // JSON is YAML
    const accessLog = fs.openSync(file('access.log'), 'w');
    const child = spawn('docker-registry', ['serve', file('config.yml')], { stdio: ['ignore', accessLog, 'ignore'] });
    fs.closeSync(accessLog);
    const registry = new DockerRegistry(
      `127.0.0.1:${String(port)}`,
      directory,
      child,
      tls ? fs.readFileSync(file('tls.crt'), 'utf8') : '',
    );
    await registry.answers(tls ? 'https' : 'http');
    return registry;
  }

  private constructor(
    public readonly host: string,
    private readonly directory: string,
    private readonly child: ChildProcess,
    /** Its certificate, in PEM. */
    public readonly certificate: string,
  ) {}

  /** Every request so far, in the order they were answered. */
  public async requests(): Promise<readonly AnsweredRequest[]> {
    const marker = `/v2/?${randomUUID()}`;
    await fetch(`http://${this.host}${marker}`, { headers: { connection: 'close' } });
    for (;;) {
      const log = fs.readFileSync(path.join(this.directory, 'access.log'), 'utf8');
      if (log.includes(marker)) return [...log.matchAll(REQUEST)].flatMap(answeredRequest);
      await sleep(10);
    }
  }

  /** Loses everything that was published. */
  public clear(): void {
    fs.rmSync(path.join(this.directory, 'data'), { recursive: true, force: true });
  }

  public async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  private async answers(scheme: string): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const { exitCode } = this.child;
      if (exitCode !== null) throw new Error(`docker-registry ended with ${String(exitCode)}`);
      const curl = spawn('curl', ['-sk', '-o', '/dev/null', `${scheme}://${this.host}/v2/`], { stdio: 'ignore' });
      const status = await new Promise((resolve) => curl.once('close', resolve));
      if (status === 0) return;
      await sleep(50);
    }
    throw new Error('docker-registry does not answer');
  }
}

function answeredRequest([, method = '', target = '', status]: RegExpMatchArray): AnsweredRequest[] {
  return target.startsWith('/v2/?') ? [] : [{ method, path: target, status: Number(status) }];
}

function makeCertificate(key: string, certificate: string): void {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
