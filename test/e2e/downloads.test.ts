import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { Project } from './installed';

/** A server of one file, over https, and over http where that leads; tells its ports. The command runs while we wait for it. */
const SERVER = `
  const fs = require('node:fs');
  const [key, cert, file] = process.argv.slice(1).map((name) => fs.readFileSync(name));
  let isBusy = true;
  const answer = (request, response) => {
    if (request.url.startsWith('/insecure')) response.writeHead(302, { location: plainUrl }).end();
    else if (request.url.startsWith('/moved')) response.writeHead(302, { location: '/file?moved' }).end();
    else if (isBusy) response.writeHead(503).end(), (isBusy = false);
    else response.writeHead(200, { 'content-length': file.length }).end(file);
  };
  let plainUrl;
  const plain = require('node:http').createServer(answer).listen(0, '127.0.0.1', () => {
    plainUrl = 'http://127.0.0.1:' + plain.address().port + '/file';
    const secure = require('node:https').createServer({ key, cert }, answer).listen(0, '127.0.0.1', () => {
      console.log('https://127.0.0.1:' + secure.address().port);
    });
  });
`;

const APP = `
  const { App, ImageSource, Layer } = require('cdk-stack');
  const app = new App();
  const url = (name) => app.node.tryGetContext('server') + name + '?signature=secret';
  const sha256 = app.node.tryGetContext('sha256');
  if (app.node.tryGetContext('insecure')) {
    new Layer(app, 'insecure', { imports: [{ source: url('/insecure'), dest: '/x' }] });
  } else {
    new Layer(app, 'files', { imports: [{ source: url('/moved'), dest: '/d/' }, { source: url('/moved'), dest: '/e', mode: 0o755 }] });
    new Layer(app, 'root', { from: ImageSource.tar(url('/root.tar'), { sha256 }) });
  }
`;

let project: Project;
let server: ChildProcess;
let url: string;
let sha256: string;

beforeAll(async () => {
  project = Project.create(APP, { x: 'the content' });
  execFileSync('tar', ['-cf', project.path('root.tar'), '-C', project.directory, 'x']);
  sha256 = createHash('sha256')
    .update(fs.readFileSync(project.path('root.tar')))
    .digest('hex');
  const [key, certificate] = [project.path('key.pem'), project.path('cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
  server = spawn(process.execPath, ['-e', SERVER, key, certificate, project.path('root.tar')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise((resolve) =>
    server.stdout?.once('data', (text) => {
      resolve(String(text).trim());
    }),
  );
});

afterAll(() => {
  server.kill();
  project.remove();
});

function deploy(...args: string[]): ReturnType<Project['stack']> {
  const context = ['-c', `server=${url}`, '--context-string', `sha256=${sha256}`];
  return project.stack(['deploy', ...context, ...args], { env: { NODE_EXTRA_CA_CERTS: project.path('cert.pem') } });
}

test('files come from https, are locked, and are not asked for again', async () => {
  const untrusted = project.stack(['deploy', '-c', `server=${url}`, 'files']);
  expect(untrusted).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/STACK3003[\s\S]*certificate/) as string,
  });

  const insecure = deploy('-c', 'insecure=1');
  expect(insecure).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/STACK3003[\s\S]*from https to 'http:/) as string,
  });

  const context = ['-c', `server=${url}`, '--context-string', `sha256=${sha256}`];
  const unlocked = project.stack(['synth', ...context, '--require-hash']);
  expect(unlocked).toMatchObject({ status: 5, stderr: expect.stringContaining('STACK3022') as string });
  expect(project.stack(['synth', ...context, 'root', '--require-hash'])).toMatchObject({ status: 0 });
  const refused = deploy('--require-hash');
  expect(refused).toMatchObject({ status: 5, stderr: expect.stringContaining('STACK3022') as string });
  expect(deploy('root', '--require-hash')).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('answers with status 503') as string,
  });
  expect(deploy('--frozen')).toMatchObject({ status: 1, stderr: expect.stringContaining('STACK3021') as string });

  const first = deploy('--verbose');
  expect(first).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(`files: downloaded ${url}/moved, `) as string,
  });
  for (const { stdout, stderr } of [untrusted, insecure, refused, first])
    expect(stdout + stderr).not.toContain('secret');
  expect(JSON.parse(fs.readFileSync(project.path('cdk-stack.lock.json'), 'utf8'))).toEqual({
    lockfileVersion: 1,
    urls: { [`${url}/moved?signature=secret`]: { sha256, size: fs.statSync(project.path('root.tar')).size } },
  });
  const digests = (): string[] =>
    project
      .layout()
      .index.manifests.map(({ digest }) => digest)
      .sort();
  const published = digests();

  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill();
  await ended;
  fs.rmSync(project.path('oci'), { recursive: true });
  expect(deploy('--frozen').status).toBe(0);
  expect(digests()).toEqual(published);
}, 120_000);
