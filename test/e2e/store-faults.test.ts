import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expectLayout, expectNothingLeft, expectStore, smallProject } from './care-world';
import { ORDINARY_USER } from './as-root';
import { type Outcome, type Project } from './installed';

const MINUTE = 60_000;

let golden: string;
let project: Project;

beforeAll(() => {
  const first = smallProject();
  try {
    expect(first.stack(['deploy'])).toMatchObject({ status: 0 });
    golden = first.layout().indexText;
  } finally {
    first.remove();
  }
}, MINUTE);

beforeEach(() => {
  project = smallProject();
});

afterEach(() => {
  project.remove();
});

function deployed(...args: string[]): Outcome {
  const outcome = project.stack(['deploy', ...args]);
  expect(outcome).toMatchObject({ status: 0 });
  return outcome;
}

const scriptsRun = (...outcomes: readonly Outcome[]): number =>
  outcomes.flatMap(({ stderr }) => stderr.split('\n')).filter((line) => line.includes('"run-started"')).length;

/** Everything in the store's blobs, by name. */
function blobs(): string[] {
  return fs.readdirSync(path.join(project.store, 'v1/blobs/sha256')).sort();
}

/** Changes one byte in the middle of a blob of the store. */
function damage(name: string): void {
  const file = path.join(project.store, 'v1/blobs/sha256', name);
  const bytes = fs.readFileSync(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, bytes);
}

/** A shell script that runs its arguments in a mount namespace of its own, after some preparation. */
function inMountNamespace(preparation: string): readonly string[] {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '--preserve-env'];
  return [...sudo, 'unshare', '--mount', 'sh', '-ec', `${preparation}\nexec "$@"`, 'sh'];
}

describe('two deploys at a time', () => {
  it.each([
    ['one target', ['oci', 'oci']],
    ['two targets', ['one', 'two']],
  ])(
    'from one store to %s do everything once and agree',
    async (_, targets) => {
      const runs = targets.map((target) =>
        project.start(['deploy', '--progress', 'json', '--to', `oci:${target}`, '-o', `synth.${target}`]),
      );
      const outcomes = await Promise.all(runs.map(({ ended }) => ended));
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 0 });
      expect(scriptsRun(...outcomes)).toBe(1);
      for (const target of targets) expectLayout(project, golden, target);
      expectStore(project.store);
      await expectNothingLeft(project.home);
    },
    MINUTE,
  );

  it(
    'go on when the one that was at work for both is killed',
    async () => {
      const first = project.start(['deploy', '--progress', 'json', '-o', 'synth.one', '--to', 'oci:one']);
      const second = project.start(['deploy', '--progress', 'json', '-o', 'synth.two', '--to', 'oci:two']);
      const isRunning = new Promise((resolve) => {
        first.child.stderr?.on('data', (text: string) => {
          if (text.includes('"run-started"')) resolve('first');
        });
        second.child.stderr?.on('data', (text: string) => {
          if (text.includes('"run-started"')) resolve('second');
        });
      });
      const [victim, other] = (await isRunning) === 'first' ? [first, second] : [second, first];
      victim.child.kill('SIGKILL');
      expect(await other.ended).toMatchObject({ status: 0 });
      expectLayout(project, golden, other === first ? 'one' : 'two');
      deployed();
      expectLayout(project, golden);
      expectStore(project.store);
      await expectNothingLeft(project.home);
    },
    MINUTE,
  );
});

describe('a damaged store', () => {
  it.each([
    ['packed for another target', [], []],
    ['unpacked for another format', ['--format', 'tar'], ['--format', 'tar', '--format', 'squashfs']],
  ])(
    'is noticed and repaired where its content is %s',
    (_, before, after) => {
      deployed(...before);
      const all = blobs();
      all.forEach(damage);
      fs.rmSync(project.path('oci'), { recursive: true });
      fs.rmSync(path.join(project.store, 'v1/trees'), { recursive: true });
      const { stderr } = deployed(...after, '--to', 'oci:other');
      expect(stderr).toMatch(/local store was damaged, and is made again \[store-damaged\]/);
      expectLayout(project, golden, 'other');
    },
    MINUTE,
  );

  it(
    'is repaired where a blob or a record was cut short or lost',
    () => {
      deployed();
      fs.rmSync(project.path('oci'), { recursive: true });
      const files = fs.readdirSync(path.join(project.store, 'v1'), { recursive: true, encoding: 'utf8' });
      const kept = files.filter((name) => /^(blobs|records)\/.*\//.test(name)).sort();
      kept.forEach((name, position) => {
        const file = path.join(project.store, 'v1', name);
        if (position % 2 === 0) fs.rmSync(file);
        else fs.truncateSync(file, 1);
      });
      deployed();
      expectLayout(project, golden);
      // What a script wrote has the times of that very run: its archive was made anew under another digest, and no record has
      // the old one any more.
      const records = execFileSync('cat', recordsOf(project), { encoding: 'utf8' });
      const unused = kept.map((name) => path.basename(name)).filter((name) => !records.includes(name));
      expectStore(project.store, new Set(unused));
    },
    MINUTE,
  );

  function recordsOf({ store }: Project): string[] {
    const directory = path.join(store, 'v1/records');
    const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.json')).map((name) => path.join(directory, name));
  }
});

describe('a store that cannot be used', () => {
  it(
    'since it is read-only is told with what to do',
    () => {
      deployed();
      const under = inMountNamespace(
        `mount --bind '${project.store}' '${project.store}'; mount -o remount,bind,ro '${project.store}'`,
      );
      for (const args of [['deploy'], ['gc']]) {
        const { status, stderr } = project.stack(args, { under });
        expect(stderr).toMatch(/error STACK7001: cannot use the store '.*\/store': EROFS/);
        expect(stderr).toMatch(/hint: set STACK_HOME to a directory you can write to/);
        expect(status).toBe(1);
      }
      expect(project.stack(['gc', '--dry-run'], { under })).toMatchObject({ status: 0 });
      deployed();
      expectLayout(project, golden);
    },
    MINUTE,
  );

  it(
    'by an ordinary user without subordinate ids is told with what to do',
    () => {
      project.handOver(ORDINARY_USER);
      const under = inMountNamespace(
        [
          'printf "someone:100000:65536\\n" > "$HOME/ids"',
          'for file in /etc/subuid /etc/subgid; do mount --bind "$HOME/ids" "$file"; done',
          `set -- setpriv --reuid ${String(ORDINARY_USER.uid)} --regid ${String(ORDINARY_USER.gid)} --clear-groups "$@"`,
        ].join('\n'),
      );
      const { status, stderr } = project.stack(['deploy'], { under });
      expect(stderr).toMatch(
        /error STACK4010: .* user nobody has no 65536 subordinate ids in \/etc\/subuid and \/etc\/subgid/,
      );
      expect(stderr).toMatch(/hint: as root: usermod --add-subuids 165536-231071 --add-subgids 165536-231071 nobody/);
      expect(status).toBe(1);
      expect(fs.existsSync(project.path('oci'))).toBe(false);
    },
    MINUTE,
  );

  it.each([
    ['a script runs', "run: 'while :; do cat /bin/busybox >> /full; done'"],
    ['a layer is packed', "imports: [{ source: 'big', dest: '/big' }]"],
  ])(
    'since its disk is full while %s keeps nothing half-written',
    async (_, props) => {
      const app = fs.readFileSync(project.path('app.js'), 'utf8');
      project.write({
        big: execFileSync('head', ['-c', '20000000', '/dev/urandom'], { maxBuffer: 1e8 }),
        'app.js': `${app}new Layer(app, 'large', { from: files, ${props} });\n`,
      });
      const mount = (...args: string[]): void => {
        execFileSync('sh', ['-c', 'test "$(id -u)" = 0 || set -- sudo "$@"; "$@"', 'sh', ...args]);
      };
      fs.mkdirSync(project.store);
      mount('mount', '-t', 'tmpfs', '-o', 'size=16m,mode=1777', 'tmpfs', project.store);
      try {
        const { status, stderr } = project.stack(['deploy']);
        expect(stderr).toMatch(/error STACK7002: no space/);
        expect(stderr).toMatch(/hint: free some space there, or set STACK_HOME/);
        expect(status).toBe(1);
        expect(fs.existsSync(project.path('oci'))).toBe(false);
        expectStore(project.store);
        project.write({ 'app.js': app });
        deployed();
        expectLayout(project, golden);
        expectStore(project.store);
      } finally {
        mount('umount', project.store);
      }
      await expectNothingLeft(project.home);
    },
    MINUTE,
  );
});
