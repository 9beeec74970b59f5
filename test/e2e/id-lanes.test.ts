import * as fs from 'node:fs';
import { addUser, removeUser, ROOT_USER } from './as-root';
import { debianBase } from './debian-base';
import { Project } from './installed';
import { contentOf, deployed, topLayer } from './on-busybox';

const MINUTE = 60_000;
/** A user of the tests' own. */
const USER = 'cdk-stack-lanes';
const HEAD = `const { App, Layer } = require('cdk-stack');
const app = new App();
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
const add = (name) => 'adduser --system --group --no-create-home ' + name + '; useradd -r ' + name + '-top; groupadd -r ' + name + '-group';
const layer = (name, props) => new Layer(app, name, { from: base, network: 'none', run: add(name), ...props });
`;

function projectOf(app: string): Project {
  const project = Project.create(HEAD + app);
  fs.symlinkSync(debianBase(), project.path('base.tar'));
  return project;
}

function withProject(app: string, work: (project: Project) => void): void {
  const project = projectOf(app);
  try {
    work(project);
  } finally {
    project.remove();
  }
}

/** The ids of the users and groups that a layer has added, by their names. */
function idsOf(project: Project, image: string): Record<string, number> {
  const of = (kind: string): [string, number][] =>
    contentOf(project, image, `etc/${kind}`)
      .split('\n')
      .filter((line) => line.startsWith(image))
      .map((line) => [`${kind} ${line.split(':')[0] ?? ''}`, Number(line.split(':')[2])]);
  return Object.fromEntries([...of('passwd'), ...of('group')]);
}

function laneOf(project: Project, image: string): number {
  const plan = JSON.parse(fs.readFileSync(project.path('synth.out/plan.json'), 'utf8')) as {
    images: Record<string, { idLane?: number }>;
  };
  return plan.images[image]?.idLane ?? 0;
}

describe('layers that add system users on one base', () => {
  it(
    'give them ids of their own lanes, and leave the settings alone',
    () => {
      withProject("layer('one'); layer('two');", (project) => {
        deployed(project.stack(['deploy']));
        const lanes = ['one', 'two'].map((image) => {
          const first = 188 + 12 * laneOf(project, image);
          expect(idsOf(project, image)).toEqual({
            [`passwd ${image}`]: first,
            [`passwd ${image}-top`]: first + 11,
            [`group ${image}`]: first,
            [`group ${image}-top`]: first + 11,
            [`group ${image}-group`]: first + 10,
          });
          const files = topLayer(project, image);
          expect(files).toEqual(expect.arrayContaining(['etc/passwd', 'etc/group']));
          expect(files.filter((file) => /adduser|login\.defs/.test(file))).toEqual([]);
          return first;
        });
        expect(new Set(lanes).size).toBe(2);
      });
    },
    3 * MINUTE,
  );

  it(
    'have the ids of the base without a lane, and those they ask for with one',
    () => {
      const app = `layer('none', { idLane: false });
        layer('fixed', { idLane: 3, run: 'groupadd -r -g 111 fixed; useradd -r -u 112 -g fixed fixed' });`;
      withProject(app, (project) => {
        deployed(project.stack(['deploy']));
        expect(idsOf(project, 'none')).toMatchObject({ 'passwd none': 100, 'passwd none-top': 999 });
        expect(idsOf(project, 'fixed')).toEqual({ 'passwd fixed': 112, 'group fixed': 111 });
      });
    },
    3 * MINUTE,
  );

  it(
    'have the same ids for the users of well-known packages, whatever their lane is, and can add those again that there are',
    () => {
      const run = `adduser --system --group messagebus; addgroup --system crontab; adduser --system --ingroup crontab own`;
      const app = `layer('one', { run: ${JSON.stringify(run)} });
        const two = layer('two', { run: ${JSON.stringify(run)} });
        layer('above', { from: two, run: 'adduser --system redis && adduser --system messagebus && addgroup --system crontab' });
        layer('none', { idLane: false, run: 'adduser --system messagebus' });`;
      withProject(app, (project) => {
        deployed(project.stack(['deploy']));
        const accounts = (image: string, file: string, name: string): string | undefined =>
          contentOf(project, image, `etc/${file}`)
            .split('\n')
            .find((line) => line.startsWith(`${name}:`));
        for (const image of ['one', 'two']) {
          expect(accounts(image, 'passwd', 'messagebus')).toMatch(/^messagebus:x:600:600:/);
          expect(accounts(image, 'group', 'crontab')).toMatch(/^crontab:x:601:/);
          expect(topLayer(project, image).filter((file) => /adduser\.conf|cdk-stack|system-ids/.test(file))).toEqual(
            [],
          );
        }
        expect(accounts('above', 'passwd', 'redis')).toMatch(/^redis:x:606:65534:/);
        expect(accounts('none', 'passwd', 'messagebus')).toMatch(/^messagebus:x:100:65534:/);
      });
    },
    4 * MINUTE,
  );

  it(
    'can change the settings themselves, and see them as they are without a lane in what they make',
    () => {
      const change = [
        'echo UMASK 077 >> /etc/login.defs',
        'cp /etc/adduser.conf /root/',
        'chmod 600 /etc/adduser.conf',
      ];
      const app = `const run = ${JSON.stringify(change)}; layer('lane', { idLane: 1, run }); layer('none', { idLane: false, run });`;
      withProject(app, (project) => {
        deployed(project.stack(['deploy']));
        const layout = project.layout();
        expect(topLayer(project, 'lane')).toEqual([
          'etc/',
          'etc/adduser.conf',
          'etc/login.defs',
          'root/',
          'root/adduser.conf',
        ]);
        expect(layout.manifest('lane').layers).toEqual(layout.manifest('none').layers);
      });
    },
    3 * MINUTE,
  );

  it(
    'have the same digests when an ordinary user builds them',
    () => {
      const app = "layer('one'); layer('two');";
      const [root, user] = [projectOf(app), projectOf(app)];
      const ordinary = addUser(USER);
      try {
        fs.unlinkSync(user.path('base.tar'));
        fs.copyFileSync(debianBase(), user.path('base.tar'));
        deployed(root.stack(['deploy'], { user: ROOT_USER }));
        user.handOver(ordinary);
        deployed(user.stack(['deploy'], { user: ordinary }));
        expect(user.layout().indexText).toBe(root.layout().indexText);
      } finally {
        removeUser(USER);
        root.remove();
        user.remove();
      }
    },
    4 * MINUTE,
  );
});
