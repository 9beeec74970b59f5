import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Project } from './installed';

const MINUTE = 60_000;
const SECRET = 'Zq7-s3cr3t';
const USER = `someone:${SECRET}`;

/** Where a user, or a server, puts a URL with a secret. */
interface Place {
  readonly what: string;
  /** Arguments after `stack`. @default deploy */
  readonly args?: readonly string[];
  /** Properties of a layer. @default none */
  readonly props?: string;
  /** Lines of the app instead of that layer. */
  readonly app?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Codes of the errors, one of which is expected. @default none: the command succeeds */
  readonly code?: RegExp;
}

/** A server that knows the secret, and tells it where it can. `PORT` in a place stands for its port. */
function startServer(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const far = `http://${USER}@127.0.0.1:1/x?signature=${SECRET}`;
    if (path.startsWith('/redirect')) response.writeHead(302, { location: far });
    else if (path.startsWith('/nonsense'))
      response.writeHead(302, { location: `http://[${SECRET}/?signature=${SECRET}` });
    else if (path.startsWith('/v2/realm/')) {
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="http://${USER}@10.0.0.1/?token=${SECRET}",service="s"`,
      });
    } else if (path.startsWith('/v2/nowhere/')) response.writeHead(307, { location: far });
    else response.writeHead(404, { warning: `299 - "see ${far}"` });
    response.end();
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    }),
  );
}

const PLACES: readonly Place[] = [
  { what: '--to', args: ['deploy', '--to', `docker://${USER}@ghcr.io/acme`], code: /STACK1006/ },
  { what: '--to without a scheme', args: ['deploy', '--to', `${USER}@ghcr.io/acme`], code: /STACK1006/ },
  { what: '--to with a token', args: ['deploy', '--to', `https://h/x?token=${SECRET}`], code: /STACK1006/ },
  { what: '--to with quotes and slashes', args: ['deploy', '--to', `docker://u:'/${SECRET}"@h/x`], code: /STACK1006/ },
  {
    what: 'cdk-stack.json',
    files: { 'cdk-stack.json': `{ "app": "node app.js", "to": "docker://${USER}@h/x" }` },
    code: /STACK1006/,
  },
  { what: 'a key of cdk-stack.json', files: { 'cdk-stack.json': `{ "https://${USER}@h": 1 }` }, code: /STACK1003/ },
  { what: 'STACK_TO', env: { STACK_TO: `docker://${USER}@h/x` }, code: /STACK1006/ },
  { what: 'STACK_CONTEXT', env: { STACK_CONTEXT: `https://${USER}@h/x` }, code: /STACK1005/ },
  {
    what: '--plain-http',
    args: ['deploy', '--to', 'docker://127.0.0.1:PORT/x', '--plain-http', `${USER}@h`],
    code: /STACK1001/,
  },
  { what: '--progress', args: ['deploy', '--concurrency', `https://${USER}@h`], code: /STACK1001/ },
  { what: 'an unknown option', args: ['deploy', `--x=https://${USER}@h`], code: /STACK1001/ },
  { what: 'the selection', args: ['deploy', `https://${USER}@h/x`], code: /STACK1004/ },
  { what: '--app', args: ['deploy', '--app', `false https://${USER}@h/x`], code: /STACK2001/ },
  { what: 'the source of a copy', args: ['copy', `docker://${USER}@h/x`, 'oci:y'], code: /STACK6101/ },
  { what: 'the target of a copy', args: ['copy', 'oci:oci:x', `https://${USER}@h/x`], code: /STACK1006/ },
  { what: 'an exchange', args: ['swap', 'oci:oci:x', `docker://${USER}@h/x`], code: /STACK1001/ },
  { what: 'what is exchanged', args: ['swap', 'oci:oci:x', `x=docker://u:a/${SECRET}@h/x`], code: /STACK6101/ },
  { what: 'a base to move to', args: ['rebase', 'oci:oci:x', `${USER}@h/x`], code: /STACK1006/ },
  { what: 'a reference to update', args: ['update', `https://${USER}@h/x`], code: /STACK/ },
  {
    what: 'the context',
    args: ['ls', '-c', `x=https://${USER}@h/x`],
    app: "app.context.number('x');",
    code: /STACK2017/,
  },
  { what: 'from', props: `from: 'docker://${USER}@h/x'`, code: /STACK2006/ },
  { what: 'from without a scheme', props: `from: '${USER}@h/x'`, code: /STACK2006/ },
  { what: 'from a tar', props: `from: 'tar:https://${USER}@h/x.tar'`, code: /STACK2006/ },
  {
    what: 'an image source',
    app: `new Layer(app, 'x', { from: ImageSource.registry('u:a/${SECRET}@h/x') });`,
    code: /STACK2006/,
  },
  { what: 'a published image', app: `PublishedImage.fromRegistry(app, 'x', '${USER}@h/x');`, code: /STACK2006/ },
  { what: 'an import', props: `imports: ['https://${USER}@h/f']`, code: /STACK2006/ },
  { what: 'an import by ftp', props: `imports: ['ftp://${USER}@h/f']`, code: /STACK2006/ },
  {
    what: 'sources of packages',
    app: `new DebianPackages(app, 'x', { packages: ['a'], sources: 'deb https://${USER}@h/debian stable main' });`,
    code: /STACK2006/,
  },
  { what: 'a value that is none', props: `platform: 'https://${USER}@h/x'`, code: /STACK2006/ },
  {
    what: 'a lock file',
    props: "imports: [{ source: 'http://127.0.0.1:1/f', dest: '/f' }]",
    files: { 'cdk-stack.lock.json': `{ "schemaVersion": 1, "downloads": { "https://${USER}@h/f": 7 } }` },
    code: /STACK3020/,
  },
  {
    what: 'a plan',
    args: ['deploy', '-a', 'planned'],
    files: { 'planned/manifest.json': `{ "schemaVersion": "https://${USER}@h/f" }`, 'planned/plan.json': '{}' },
    code: /STACK1007/,
  },
  {
    what: 'a proxy',
    props: "imports: [{ source: 'http://example.invalid/f', dest: '/f' }]",
    env: { HTTP_PROXY: `http://${USER}@127.0.0.1:1` },
    code: /STACK3003/,
  },
  {
    what: 'a proxy that is none',
    args: ['deploy', '--to', 'docker://example.invalid/x'],
    env: { HTTPS_PROXY: `socks5://${USER}@h` },
    code: /STACK1005/,
  },
  {
    what: 'a redirect',
    props: "imports: [{ source: 'http://127.0.0.1:PORT/redirect', dest: '/f' }]",
    code: /STACK3003/,
  },
  {
    what: 'a redirect to nonsense',
    props: "imports: [{ source: 'http://127.0.0.1:PORT/nonsense', dest: '/f' }]",
    code: /STACK3003/,
  },
  {
    what: 'a query',
    props: `imports: [{ source: 'http://127.0.0.1:PORT/f?token=${SECRET}', dest: '/f' }]`,
    code: /STACK3003/,
  },
  { what: 'an auth realm', args: ['deploy', '--to', 'docker://127.0.0.1:PORT/realm'], code: /STACK6111/ },
  { what: 'a location', args: ['deploy', '--to', 'docker://127.0.0.1:PORT/nowhere'], code: /STACK61/ },
  { what: 'a warning of a registry', args: ['copy', 'docker://127.0.0.1:PORT/none', 'oci:y'], code: /STACK6107/ },
];

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => {
  server.close();
});

test.each(PLACES)(
  'a secret in a URL is told nowhere: $what',
  async ({ args = ['deploy'], props = '', app, env, files, code }) => {
    const port = String((server.address() as AddressInfo).port);
    const project = Project.create('');
    const within = (text: string): string => text.replaceAll('PORT', port);
    project.write({
      'app.js': within(`const { App, Layer, ImageSource, PublishedImage, DebianPackages } = require('cdk-stack');
const app = new App();
${app ?? `new Layer(app, 'x', { ${props} });`}
`),
      ...files,
    });
    try {
      const given = args.map(within);
      const outcomes = await Promise.all([
        project.start([...given, '--debug', '--verbose'], { env }).ended,
        project.start([...given, '--json', '--progress', 'json', '-o', 'other.out'], { env }).ended,
      ]);
      for (const { stdout, stderr } of outcomes) {
        expect(stderr).toMatch(code ?? /./);
        expect(stdout + stderr).not.toContain(SECRET);
      }
      // What is kept: the plan and the lock file have the query of a URL that is downloaded, as the docs say; nothing else has.
      for (const name of ['synth.out', 'cdk-stack.lock.json', '../store']) {
        const file = project.path(name);
        if (files?.[name] !== undefined || !fs.existsSync(file)) continue;
        const found = spawnSync('grep', ['-rlF', SECRET, file], { encoding: 'utf8' }).stdout.trim();
        expect(found).toBe(
          props.includes('?token=') && name === 'synth.out' ? project.path('synth.out/plan.json') : '',
        );
      }
    } finally {
      project.remove();
    }
  },
  MINUTE,
);
