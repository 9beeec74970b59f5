import { DockerRegistry } from './docker-registry';
import { Project } from './installed';

const MINUTE = 60_000;
const PUBLISHER = `const { App, Layer } = require('cdk-stack');
const app = new App();
for (const name of ['base', 'part']) new Layer(app, name, { imports: [{ source: 'content', dest: '/' + name }] });`;
const APP = `const { App, Layer, PublishedImage, StackedImage } = require('cdk-stack');
const app = new App();
const host = require('node:fs').readFileSync('host', 'utf8');
const files = new Layer(app, 'files', { from: 'docker://' + host + '/base', imports: [{ source: 'host', dest: '/host' }] });
const part = PublishedImage.fromRegistry(app, 'part', host + '/part');
new StackedImage(app, 'combined', [files, part]);
new Layer(app, 'alone', { imports: [{ source: 'host', dest: '/alone' }] });
`;

test(
  'what was pulled is built and published without the registry',
  async () => {
    const registry = await DockerRegistry.start();
    const publisher = Project.create(PUBLISHER, { content: 'c'.repeat(10_000) });
    const project = Project.create(APP, { host: registry.host });
    try {
      expect(publisher.stack(['deploy', '--to', `docker://${registry.host}`])).toMatchObject({ status: 0 });
      expect(project.stack(['pull', 'alone']).stdout).toBe('nothing to pull: these images use nothing from outside\n');
      const frozen = project.stack(['pull', '--frozen']);
      expect(frozen).toMatchObject({ status: 1 });
      expect(frozen.stderr).toContain('STACK3021');

      const pulled = project.stack(['pull', 'combined', '--json']);

      expect(pulled).toMatchObject({ status: 0 });
      expect(JSON.parse(pulled.stdout)).toEqual({
        references: [
          { kind: 'image', reference: `${registry.host}/base:latest`, images: ['files'] },
          { kind: 'image', reference: `${registry.host}/part:latest`, images: ['part'] },
        ],
      });
    } finally {
      await registry.stop();
      publisher.remove();
    }
    const deployed = project.stack(['deploy', '--frozen']);
    expect(deployed).toMatchObject({ status: 0 });
    expect(project.layout().manifest('combined').layers).toHaveLength(3);
    project.remove();
  },
  2 * MINUTE,
);
