import * as fs from 'node:fs';
import * as path from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { DebianPackages, ImageSource, Layer, StackedImage } from '../../lib';
import { appWith, removeDirectories } from '../constructs/fixture';
import { jsonSchemas, SCHEMA_DIRECTORY } from './json-schemas';

afterEach(removeDirectories);

const schemas = jsonSchemas();

if (process.env['UPDATE_SCHEMA'] === '1') {
  for (const [name, text] of Object.entries(schemas)) fs.writeFileSync(path.join(SCHEMA_DIRECTORY, name), text);
}

test.each(Object.keys(schemas))('%s is what the loader validates with (else run with UPDATE_SCHEMA=1)', (name) => {
  expect(fs.readFileSync(path.join(SCHEMA_DIRECTORY, name), 'utf8')).toBe(schemas[name]);
});

test('what synth writes is valid by the published schemas, and with members they do not know', () => {
  const app = appWith({ file: '' }, { epoch: 0, tar: { level: 1 }, squashfs: { level: 11, verity: true } });
  const base = new Layer(app, 'base', { from: ImageSource.ociLayout('layout', 'a'), buildOnly: true });
  const layer = new Layer(app, 'layer', {
    from: ImageSource.tar(base.file('/a.tar'), { sha256: 'a'.repeat(64) }),
    imports: [{ source: 'file', dest: '/', mode: 0o600, uid: 1, gid: 1, exclude: ['a'], sha256: 'b'.repeat(64) }],
    config: {
      env: { A: '1' },
      fullCommand: 'a',
      healthcheck: { test: 'a', retries: 1, interval: 1 },
      exposedPorts: [1],
    },
    platform: 'linux/amd64',
    formats: ['squashfs'],
    tags: ['a'],
    annotations: { a: 'b' },
  });
  const debian = new DebianPackages(layer, 'debian', {
    packages: ['a'],
    suite: 'x',
    sources: 'deb x',
    architecture: 'amd64',
  });
  debian.node.addDependency(layer);
  new StackedImage(app, 'stacked', [layer, debian]);
  const { directory } = app.synth();
  for (const [name, text] of Object.entries(schemas)) {
    const validate = new Ajv2020({ strict: true, allErrors: true }).compile(JSON.parse(text) as object);
    const written = JSON.parse(fs.readFileSync(path.join(directory, name.replace('.schema', '')), 'utf8')) as object;
    expect([name, validate(written), validate.errors]).toEqual([name, true, null]);
    expect(validate({ ...written, future: 1 })).toBe(true);
    expect(validate({ ...written, schemaVersion: 2 })).toBe(false);
  }
});
