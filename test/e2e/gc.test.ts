import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expectLayout, expectNothingLeft, expectStore, smallProject } from './care-world';
import type { Project } from './installed';

const MINUTE = 60_000;
/** A user of this test's own, with the subordinate ids that useradd gives. */
const USER = 'cdk-stack-gc';

interface Collected {
  readonly removed: readonly { readonly kind: string; readonly name: string; readonly bytes: number }[];
  readonly bytesRemoved: number;
  readonly itemsKept: number;
  readonly bytesKept: number;
}

/** Items of the store by kind. */
function itemsOf(project: Project): string[] {
  const inStore = (name: string): string => path.join(project.store, 'v1', name);
  return ['blobs/sha256', 'trees', 'records/packs', 'state/logs'].flatMap((room) =>
    fs.existsSync(inStore(room)) ? fs.readdirSync(inStore(room)) : [],
  );
}

/** Makes everything look as if it was last used some days ago. */
function age(project: Project, days: number): void {
  execFileSync('find', [path.join(project.store, 'v1'), '-exec', 'touch', '-d', `${String(days)} days ago`, '{}', '+']);
}

describe('stack gc --all', () => {
  it(
    'empties the store, so that its owner can delete it, whoever has the files in it',
    () => {
      const project = smallProject();
      try {
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        expect(itemsOf(project).length).toBeGreaterThan(0);
        expect(project.stack(['gc', '--all', '--keep-storage', '1TB'])).toMatchObject({ status: 0 });
        expect(execFileSync('find', [project.store, '-type', 'f'], { encoding: 'utf8' })).toBe('');
        expect(itemsOf(project)).toEqual([]);
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
      } finally {
        project.remove();
      }
    },
    MINUTE,
  );
});

describe('stack gc', () => {
  it(
    'tells what would go, removes just that, and a deploy makes it again',
    () => {
      const project = smallProject();
      try {
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        const golden = project.layout().indexText;
        const collect = (...args: string[]): Collected => {
          const outcome = project.stack(['gc', '--json', ...args]);
          expect(outcome).toMatchObject({ status: 0, stderr: '' });
          return JSON.parse(outcome.stdout) as Collected;
        };
        const before = itemsOf(project);
        expect(collect()).toMatchObject({ removed: [], bytesRemoved: 0 });
        age(project, 15);
        const planned = collect('--dry-run');
        expect(new Set(planned.removed.map(({ kind }) => kind))).toEqual(new Set(['blob', 'record', 'tree', 'state']));
        expect(planned.removed.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(planned.bytesRemoved);
        expect(itemsOf(project)).toEqual(before);
        expect(collect('--keep-storage', `${String(planned.bytesRemoved)}B`)).toMatchObject({ removed: [] });
        expect(collect('--older-than', '3w')).toMatchObject({ removed: [] });
        const half = collect('--keep-storage', `${String(Math.floor(planned.bytesRemoved / 2))}B`);
        expect(half.removed).toEqual(planned.removed.slice(0, half.removed.length));
        expect(half.bytesKept).toBeLessThanOrEqual(planned.bytesRemoved / 2);
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 }); // with half of what it needs
        expect(collect('--older-than', '0s')).toMatchObject({ itemsKept: 0, bytesKept: 0 });
        expect(itemsOf(project)).toEqual([]);
        expectStore(project.store);
        fs.rmSync(project.path('oci'), { recursive: true });
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        expectLayout(project, golden);
      } finally {
        project.remove();
      }
    },
    MINUTE,
  );

  it(
    'leaves alone what a deploy has used since',
    () => {
      const project = smallProject();
      try {
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        age(project, 15);
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        expect(project.stack(['gc'])).toMatchObject({ status: 0 });
        const again = project.stack(['deploy', '--progress', 'json', '--to', 'oci:other']);
        expect(again).toMatchObject({ status: 0 });
        expect(again.stderr).not.toMatch(/"(layer-packed|run-started)"/);
      } finally {
        project.remove();
      }
    },
    MINUTE,
  );

  it(
    'waits for a deploy that is at work',
    async () => {
      const project = smallProject();
      try {
        const deploy = project.start(['deploy', '--progress', 'json']);
        await new Promise<void>((resolve) => {
          deploy.child.stderr?.on('data', (text: string) => {
            if (text.includes('"run-started"')) resolve();
          });
        });
        expect(project.stack(['gc', '--keep-storage', '0B'])).toMatchObject({ status: 0 });
        expect(fs.existsSync(project.path('oci/index.json'))).toBe(true); // it was done before
        expect(itemsOf(project)).toEqual([]);
        expect(await deploy.ended).toMatchObject({ status: 0 });
        expectStore(project.store);
      } finally {
        project.remove();
      }
    },
    MINUTE,
  );

  it(
    'removes what has ids that are not those of the user, and needs no project for it',
    async () => {
      const project = smallProject();
      execFileSync('useradd', ['--create-home', USER]);
      try {
        const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, USER])));
        const app = fs.readFileSync(project.path('app.js'), 'utf8');
        const script = 'mkdir -m 700 /secret; touch /secret/file; chown -R 7:7 /secret';
        project.write({
          'app.js': `${app}const odd = new Layer(app, 'odd', { from: base, run: '${script}' });
new Layer(app, 'top', { from: odd, run: 'touch /top' });\n`,
        });
        execFileSync('chown', ['-R', '-h', `${USER}:`, project.home]);
        const user = { user: { uid, gid }, env: { USER, LOGNAME: USER } };
        expect(project.stack(['deploy'], user)).toMatchObject({ status: 0 });
        const trees = path.join(project.store, 'v1/trees');
        expect(fs.readdirSync(trees).map((name) => fs.existsSync(path.join(trees, name, 'tree/secret')))).toContain(
          true,
        );
        fs.rmSync(project.path('cdk-stack.json'));
        expect(project.stack(['gc', '--older-than', '0s'], user)).toMatchObject({
          status: 0,
          stdout: expect.stringMatching(/^\d+ items of .* removed; 0 items of 0 B stay in /) as string,
        });
        expect(itemsOf(project)).toEqual([]);
        expectStore(project.store);
        await expectNothingLeft(project.home);
      } finally {
        execFileSync('userdel', ['--remove', USER], { stdio: 'ignore' });
        project.remove();
      }
    },
    MINUTE,
  );

  it('refuses a size and an age that could mean anything', () => {
    const project = smallProject();
    try {
      const { status, stderr } = project.stack(['gc', '--keep-storage', '20', '--older-than', '14 days']);
      expect(status).toBe(2);
      expect(stderr).toMatch(/--keep-storage must be a size such as 20GB or 512MiB, not '20'/);
      expect(stderr).toMatch(/--older-than must be a duration such as 14d or 12h, not '14 days'/);
    } finally {
      project.remove();
    }
  });
});
