import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { controlStanza, debDigest, DebianSource, openDataTar, packageTree } from '../../lib/build/debian';
import { lockKey, packageRequest } from '../../lib/build/debian/request';
import { StackError, type StackEvent } from '../../lib/core';
import { readArchive, type Tree } from '../../lib/pack';
import { LOCK_FILE_NAME, LockFile, type DebianPlan, type LockedPackage } from '../../lib/plan';
import { Store } from '../../lib/store';
import { DebianRepository } from './debian-repository';

const EPOCH = 315532800;

let directory: string;
let repository: DebianRepository;
let events: StackEvent[];
const environment = { ...process.env };

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'debian-'));
  repository = new DebianRepository(path.join(directory, 'repository'));
  events = [];
  // The host's configuration, as apt sees it here: no patience with mirrors that are down.
  process.env['APT_CONFIG'] = path.join(directory, 'host.conf');
  fs.writeFileSync(path.join(directory, 'host.conf'), 'Acquire::Retries "0";\n');
  fs.mkdirSync(path.join(directory, 'app'));
});

afterEach(() => {
  process.env = { ...environment };
  fs.rmSync(directory, { recursive: true, force: true });
});

const app = (): string => path.join(directory, 'app');
const openStore = (): Promise<Store> => Store.open(path.join(directory, 'store'));

/** What one deploy has, started afresh. */
async function deploy(options: { frozen?: boolean; signal?: AbortSignal } = {}): Promise<DebianSource> {
  const listener = (event: StackEvent): void => void events.push(event);
  return new DebianSource({
    store: await openStore(),
    lockFile: await LockFile.load(app()),
    listener,
    frozen: false,
    ...options,
  });
}

function plan(packages: string[], changes: Partial<DebianPlan> = {}): DebianPlan {
  const base = {
    type: 'debian-packages',
    name: 'x',
    buildOnly: false,
    dependencies: 'none',
    platform: 'linux/amd64',
  } as const;
  return { ...base, sources: repository.sources, packages, ...changes };
}

async function provide(
  packages: string[],
  changes: Partial<DebianPlan> = {},
  options = {},
): Promise<readonly LockedPackage[]> {
  return (await deploy(options)).provide('images/x', plan(packages, changes));
}

async function failureOf(work: Promise<unknown>): Promise<StackError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StackError.is(error)) throw new Error(`no StackError but ${String(error)}`);
  return error;
}

const named = (packages: readonly LockedPackage[]): string[] =>
  packages.map(({ name, version }) => `${name} ${version}`);
const lockText = (): string | undefined => {
  const file = path.join(app(), LOCK_FILE_NAME);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
};

/** All blobs of the store, and what is left in its temporary directory. */
function storeFiles(): string[] {
  const root = path.join(directory, 'store/v1');
  return [
    ...fs.readdirSync(path.join(root, 'blobs/sha256')),
    ...fs.readdirSync(path.join(root, 'tmp')).map((name) => `tmp/${name}`),
  ];
}

async function treeOf(packages: readonly LockedPackage[], exclude: string[] = []): Promise<Tree> {
  const store = await openStore();
  const contents = packages.map(async ({ name, ...locked }) => {
    const file = store.blobPath(debDigest({ name, ...locked }));
    const copy = path.join(fs.mkdtempSync(path.join(directory, 'tar-')), name);
    const { tree } = await readArchive(openDataTar(file, name), { copy, name, layer: false });
    return { name, control: await controlStanza(file, name), entries: tree };
  });
  return packageTree(await Promise.all(contents), { exclude, epoch: EPOCH });
}

async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function withoutTools(): void {
  fs.mkdirSync(path.join(directory, 'empty'));
  process.env['PATH'] = path.join(directory, 'empty');
}

describe('packages of a repository', () => {
  beforeEach(() => {
    repository
      .add({
        name: 'alpha',
        version: '1:1.0~rc-1',
        fields: { Depends: 'beta (>= 2), greek-letter', Recommends: 'extra' },
        files: { 'usr/share/alpha': 'a' },
      })
      .add({ name: 'beta', version: '2.0' })
      .add({ name: 'beta', version: '3.0' })
      .add({ name: 'gamma', fields: { Provides: 'greek-letter' } })
      .add({ name: 'extra' })
      .publish();
  });

  test('none gives exactly those named, verified and in the store', async () => {
    const packages = await provide(['beta', 'alpha']);
    expect(named(packages)).toEqual(['alpha 1:1.0~rc-1', 'beta 3.0']);
    expect(storeFiles().sort()).toEqual(packages.map(({ sha256 }) => sha256).sort());
    const alpha = packages[0];
    expect(alpha?.size).toBe(fs.statSync(repository.fileOf({ name: 'alpha', version: '1:1.0~rc-1' })).size);
    expect(events).toEqual([
      { code: 'packages-resolving', image: 'images/x', packages: ['alpha', 'beta'] },
      { code: 'package-fetched', image: 'images/x', name: 'alpha', size: alpha?.size },
      { code: 'package-fetched', image: 'images/x', name: 'beta', size: packages[1]?.size },
      { code: 'packages-locked', image: 'images/x', count: 2 },
    ]);
  });

  test('closure adds all they depend on, and nothing merely recommended', async () => {
    expect(named(await provide(['alpha'], { dependencies: 'closure' }))).toEqual([
      'alpha 1:1.0~rc-1',
      'beta 3.0',
      'gamma 1.0',
    ]);
  });

  test('a version can be asked for', async () => {
    expect(named(await provide(['beta=2.0', 'alpha'], { dependencies: 'closure' }))).toContain('beta 2.0');
    const error = await failureOf(provide(['beta=2.5']));
    expect(error).toMatchObject({ code: 'STACK3010', hint: 'there is 3.0, 2.0' });
  });

  test('sources may be in the deb822 format', async () => {
    const sources = `Types: deb\nURIs: file:${path.join(directory, 'repository')}\nSuites: ./\nTrusted: yes\n`;
    expect(named(await provide(['gamma'], { sources }))).toEqual(['gamma 1.0']);
  });

  test('what is locked and stored needs no tool and no network', async () => {
    const packages = await provide(['alpha'], { dependencies: 'closure' });
    const before = lockText();
    fs.rmSync(path.join(directory, 'repository'), { recursive: true });
    withoutTools();
    events = [];
    expect(await provide(['alpha'], { dependencies: 'closure' }, { frozen: true })).toEqual(packages);
    expect(events).toEqual([]);
    expect(lockText()).toBe(before);
  });

  test('a locked version is kept until its entry is deleted', async () => {
    await provide(['beta']);
    repository.add({ name: 'beta', version: '4.0' }).publish();
    expect(named(await provide(['beta']))).toEqual(['beta 3.0']);
    fs.rmSync(path.join(app(), LOCK_FILE_NAME));
    expect(named(await provide(['beta']))).toEqual(['beta 4.0']);
  });

  test('a locked package that the store lacks is fetched again, as it was', async () => {
    const packages = await provide(['beta']);
    fs.rmSync(path.join(directory, 'store'), { recursive: true });
    repository.add({ name: 'beta', version: '4.0' }).publish();
    expect(await provide(['beta'], {}, { frozen: true })).toEqual(packages);
    expect(storeFiles()).toEqual([packages[0]?.sha256]);
  });

  test('images that share packages fetch each once, and both are locked', async () => {
    const source = await deploy();
    await Promise.all([
      source.provide('one', plan(['alpha'], { dependencies: 'closure' })),
      source.provide('two', plan(['beta', 'extra'])),
      source.provide('three', plan(['beta'])),
      source.provide('four', plan(['beta'])),
    ]);
    const fetched = events.flatMap((event) => (event.code === 'package-fetched' ? event.name : []));
    expect(fetched.sort()).toEqual(['alpha', 'beta', 'extra', 'gamma']);
    expect(Object.keys((JSON.parse(lockText() ?? '') as { debian: object }).debian)).toHaveLength(3);
  });

  test('two processes may use one store at a time', async () => {
    const [one, two] = [await deploy(), await deploy()];
    const results = await Promise.all([one.provide('a', plan(['alpha'])), two.provide('b', plan(['beta', 'gamma']))]);
    expect(results.map(named)).toEqual([['alpha 1:1.0~rc-1'], ['beta 3.0', 'gamma 1.0']]);
  });

  test('--frozen refuses to lock', async () => {
    const error = await failureOf(provide(['beta'], {}, { frozen: true }));
    expect(error.code).toBe('STACK3021');
    expect(error.message).toContain(': beta');
    expect(events).toEqual([]);
  });

  test('nothing is kept of an aborted one', async () => {
    const controller = new AbortController();
    const source = await deploy({ signal: controller.signal });
    const work = source.provide('x', plan(['alpha'], { dependencies: 'closure' }));
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 50);
    await expect(work).rejects.toThrow('enough');
    expect(storeFiles()).toEqual([]);
    expect(lockText()).toBeUndefined();
  });

  test("apt's hooks, pins and default release of the host do not reach in", async () => {
    const mark = path.join(directory, 'hook-ran');
    fs.appendFileSync(
      path.join(directory, 'host.conf'),
      `APT::Update::Post-Invoke { "touch ${mark}"; };\nAPT::Update::Pre-Invoke { "touch ${mark}"; };
       APT::Install-Recommends "true";\nAPT::Default-Release "nowhere";\nDir::Etc::preferences "${directory}/pins";
       APT::Architecture "s390x";\nDir::Cache "/nonexistent";\nAcquire::AllowInsecureRepositories "true";\n`,
    );
    fs.writeFileSync(path.join(directory, 'pins'), 'Package: beta\nPin: version 2.0\nPin-Priority: 1001\n');
    expect(named(await provide(['alpha'], { dependencies: 'closure' }))).toEqual([
      'alpha 1:1.0~rc-1',
      'beta 3.0',
      'gamma 1.0',
    ]);
    expect(fs.existsSync(mark)).toBe(false);
  });
});

describe('suites', () => {
  const beta = (version: string): { name: string; version: string } => ({ name: 'beta', version });
  let sources: string;

  beforeEach(() => {
    const suite = (name: string): DebianRepository => new DebianRepository(path.join(directory, name));
    sources =
      suite('stable').add(beta('1.0')).add({ name: 'only-stable' }).publishSuite('stable', 'bookworm') +
      suite('security').add(beta('1.0+deb12u1')).publishSuite('stable-security', 'bookworm-security') +
      suite('backports')
        .add(beta('3.0~bpo12'))
        .publishSuite('stable-backports', 'bookworm-backports', 'NotAutomatic: yes\nButAutomaticUpgrades: yes\n') +
      suite('testing').add(beta('4.0')).add({ name: 'only-testing' }).publishSuite('testing', 'trixie');
  });

  test.each([
    [undefined, '4.0'],
    ['bookworm', '1.0+deb12u1'],
    ['stable', '1.0+deb12u1'],
    ['bookworm-backports', '3.0~bpo12'],
    ['trixie', '4.0'],
  ])('of suite %s, the version is %s', async (suite, version) => {
    expect(named(await provide(['beta'], { sources, ...(suite === undefined ? {} : { suite }) }))).toEqual([
      `beta ${version}`,
    ]);
  });

  test('what a suite does not have comes from the others', async () => {
    expect(named(await provide(['only-testing', 'beta'], { sources, suite: 'bookworm' }))).toEqual([
      'beta 1.0+deb12u1',
      'only-testing 1.0',
    ]);
  });

  test('one that the sources do not have is an error', async () => {
    const error = await failureOf(provide(['beta'], { sources, suite: 'bookwurm' }));
    expect(error).toMatchObject({ code: 'STACK3010', hint: "did you mean 'bookworm'?" });
  });

  test('a foreign architecture is resolved as if the host were of it', async () => {
    const port = new DebianRepository(path.join(directory, 'port'));
    const entry = port
      .add({ name: 'tool', architecture: 'arm64', fields: { Depends: 'libtool, data' } })
      .add({ name: 'libtool', architecture: 'arm64' })
      .add({ name: 'data' })
      .publishSuite('stable', 'bookworm');
    const packages = await provide(['tool'], { sources: entry, dependencies: 'closure', platform: 'linux/arm64' });
    expect(packages.map(({ name, architecture }) => `${name}:${architecture}`)).toEqual([
      'data:all',
      'libtool:arm64',
      'tool:arm64',
    ]);
  });
});

describe('errors leave lock file and store alone:', () => {
  const unchanged = async (work: () => Promise<unknown>): Promise<StackError> => {
    const before = lockText();
    await openStore();
    const stored = storeFiles();
    const error = await failureOf(work());
    expect(lockText()).toBe(before);
    expect(storeFiles()).toEqual(stored);
    return error;
  };

  beforeEach(async () => {
    repository
      .add({ name: 'alpha' })
      .add({ name: 'provider-a', fields: { Provides: 'virtual' } })
      .add({ name: 'provider-b', fields: { Provides: 'virtual' } })
      .publish();
    await provide(['alpha']);
  });

  test('an unknown package, with what was perhaps meant', async () => {
    const error = await unchanged(() => provide(['alpha', 'provider-c']));
    expect(error.code).toBe('STACK3010');
    expect(error.message).toContain("package 'provider-c' is unknown");
    expect(error.hint).toMatch(/did you mean 'provider-[ab]'/);
  });

  test.each(['none', 'closure'] as const)('a virtual package, with what provides it (%s)', async (dependencies) => {
    const error = await unchanged(() => provide(['virtual'], { dependencies }));
    expect(error.code).toBe('STACK3010');
    expect(error.hint).toBe('name one of those that provide it: provider-a, provider-b');
  });

  test("dependencies that cannot be satisfied, in apt's words", async () => {
    repository
      .add({ name: 'broken', fields: { Depends: 'nothere (>= 3)' } })
      .add({ name: 'enemy', fields: { Conflicts: 'alpha' } })
      .publish();
    const error = await unchanged(() => provide(['broken'], { dependencies: 'closure' }));
    expect(error.code).toBe('STACK3014');
    expect(error.message).toContain('broken : Depends: nothere (>= 3)');
    expect((await unchanged(() => provide(['alpha', 'enemy'], { dependencies: 'closure' }))).code).toBe('STACK3014');
  });

  test('a package whose bytes are not what the list says', async () => {
    repository
      .add({ name: 'good' })
      .add({ name: 'bad' }, (stanza) => stanza.replace(/^SHA256: ..../m, 'SHA256: 0000'))
      .publish();
    const error = await unchanged(() => provide(['good', 'bad']));
    expect(error.code).toBe('STACK3001');
    expect(error.message).toContain("package 'bad' 1.0 does not have the sha256 0000");
  });

  test('a locked version that is offered with other bytes', async () => {
    fs.rmSync(path.join(directory, 'store'), { recursive: true });
    repository
      .remove('alpha')
      .add({ name: 'alpha', files: { rebuilt: 'yes' } })
      .publish();
    const error = await unchanged(() => provide(['alpha']));
    expect(error.code).toBe('STACK3001');
    expect(error.message).toContain("package 'alpha' 1.0");
    expect(error.hint).toContain(': alpha');
  });

  test('a locked version that was superseded', async () => {
    fs.rmSync(path.join(directory, 'store'), { recursive: true });
    repository.remove('alpha').add({ name: 'alpha', version: '2.0' }).publish();
    const error = await unchanged(() => provide(['alpha']));
    expect(error.code).toBe('STACK3012');
    expect(error.message).toContain("package 'alpha' 1.0 is locked");
    expect(error.hint).toMatch(/delete the entry 'amd64 none sources:[0-9a-f]{12}: alpha'.*snapshot/);
  });

  test('a package that the mirror lists but lacks', async () => {
    repository.add({ name: 'lost' }).publish();
    fs.rmSync(repository.fileOf({ name: 'lost' }));
    const error = await unchanged(() => provide(['lost']));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/cannot fetch package 'lost' 1\.0 from file:.*: File not found/);
  });

  test('a mirror that is down, without its credentials', async () => {
    const host = `127.0.0.1:${String(await closedPort())}`;
    const error = await unchanged(() =>
      provide(['lost'], { sources: `deb http://me:secret@${host}/debian bookworm main` }),
    );
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(new RegExp(`package 'lost'.*${host}/debian.*(Could not connect|Connection refused)`));
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('a mirror that is down when a locked package is to be fetched', async () => {
    const sources = `deb http://127.0.0.1:${String(await closedPort())}/debian bookworm main`;
    const lockFile = await LockFile.load(app());
    lockFile.setDebian(lockKey(packageRequest(plan(['zeta'], { sources }))), [
      { name: 'zeta', version: '1', architecture: 'all', sha256: 'a'.repeat(64), size: 1 },
    ]);
    await lockFile.save();
    const error = await unchanged(() => provide(['zeta'], { sources }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toContain("package 'zeta' 1");
  });

  test('a repository that is not signed', async () => {
    const error = await unchanged(() =>
      provide(['alpha'], { sources: repository.sources.replace('[trusted=yes] ', ''), dependencies: 'closure' }),
    );
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/'alpha'.*repository.*does not have a Release file/);
  });

  test('a suite without a signature', async () => {
    const sources = repository.publishSuite('stable', 'bookworm').replace('Trusted: yes\n', '');
    const error = await unchanged(() => provide(['alpha'], { sources }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/'alpha'.*repository bookworm Release: is not signed/);
  });

  test('sources that cannot be read', async () => {
    const error = await unchanged(() => provide(['alpha'], { sources: 'dob http://host/debian bookworm main' }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toContain("Type 'dob' is not known");
  });

  test('a machine without apt', async () => {
    withoutTools();
    const error = await unchanged(() => provide(['provider-a']));
    expect(error).toMatchObject({ code: 'STACK3013', message: 'apt-get is not installed' });
    expect(error.hint).toContain('Debian and Ubuntu');
  });
});

test('a source that cannot be reached is only warned of when it is not needed', async () => {
  repository.add({ name: 'alpha' }).publish();
  const port = await closedPort();
  const sources = `${repository.sources}deb http://127.0.0.1:${String(port)}/other ./\n`;
  expect(named(await provide(['alpha'], { sources }))).toEqual(['alpha 1.0']);
  const warnings = events.flatMap((event) => (event.code === 'warning' ? event.message : []));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`127.0.0.1:${String(port)}`);
});

describe('the content of packages', () => {
  test('is theirs and their records, and no script of theirs runs', async () => {
    const mark = path.join(directory, 'script-ran');
    const script = `#!/bin/sh\ntouch ${mark}\n`;
    repository
      .add({
        name: 'alpha',
        files: { 'usr/share/doc/alpha/copyright': 'free', 'usr/share/alpha/data': 'content' },
        scripts: { preinst: script, postinst: script },
        fields: { Homepage: 'https://example.org' },
      })
      .publish();
    const tree = await treeOf(await provide(['alpha'], { dependencies: 'closure' }), ['/usr/share/doc']);
    expect(tree.map(({ path: each }) => each)).toEqual([
      '',
      'usr',
      'usr/share',
      'usr/share/alpha',
      'usr/share/alpha/data',
      'var',
      'var/lib',
      'var/lib/dpkg',
      'var/lib/dpkg/status.d',
      'var/lib/dpkg/status.d/alpha',
    ]);
    const record = tree.at(-1);
    const stanza = record?.type === 'file' && record.content.kind === 'bytes' ? record.content.bytes.toString() : '';
    expect(stanza).toMatch(/^Package: alpha\nVersion: 1\.0\n(.*\n)*Homepage: https:\/\/example\.org\n(.*\n)*$/);
    expect(fs.existsSync(mark)).toBe(false);
  });

  test('that is cut short or damaged is an error that names the package', async () => {
    repository
      .add({ name: 'alpha', files: { 'usr/share/x': 'x'.repeat(10_000) + String(Math.PI).repeat(100) } })
      .publish();
    const whole = fs.readFileSync(repository.fileOf({ name: 'alpha' }));
    const file = path.join(directory, 'broken.deb');
    for (const content of [
      whole.subarray(0, whole.length - 50),
      Buffer.concat([whole.subarray(0, -60), Buffer.alloc(60)]),
      Buffer.from('no package'),
    ]) {
      fs.writeFileSync(file, content);
      const copy = path.join(directory, 'copy.tar');
      const error = await failureOf(readArchive(openDataTar(file, 'alpha'), { copy, name: 'alpha', layer: false }));
      expect(error.code).toBe('STACK4001');
      expect(error.message).toContain('alpha');
      fs.rmSync(copy);
    }
    expect((await failureOf(controlStanza(file, 'alpha'))).code).toBe('STACK4001');
  });
});

/** Everything below the host's own state of apt and dpkg, with sizes and times. */
function hostState(): string[] {
  const found: string[] = [];
  const visit = (place: string): void => {
    const stat = fs.lstatSync(place);
    found.push(`${place} ${String(stat.size)} ${String(stat.mtimeMs)}`);
    if (stat.isDirectory()) for (const name of fs.readdirSync(place)) visit(path.join(place, name));
  };
  for (const place of ['/var/lib/apt', '/var/cache/apt', '/var/lib/dpkg']) visit(place);
  return found;
}

describe("the host's sources", () => {
  const ofHost = (changes: Partial<DebianPlan> = {}): DebianPlan => {
    const { sources, ...rest } = plan(['hostname'], changes);
    expect(sources).toBeDefined();
    return rest;
  };

  test('serve a package and its closure, and the host itself is left alone', async () => {
    const before = hostState();
    const source = await deploy();
    const [alone, closure] = await Promise.all([
      source.provide('alone', ofHost()),
      source.provide('closure', ofHost({ dependencies: 'closure' })),
    ]);
    expect(alone.map(({ name }) => name)).toEqual(['hostname']);
    expect(closure.map(({ name }) => name)).toEqual(expect.arrayContaining(['hostname', 'libc6']));
    expect(hostState()).toEqual(before);

    const tree = await treeOf(alone, ['usr/share']);
    expect(tree.find(({ path: each }) => each.endsWith('bin/hostname'))).toMatchObject({
      type: 'file',
      mode: 0o755,
      uid: 0,
      gid: 0,
    });
    const file = (await openStore()).blobPath(debDigest(alone[0]!));
    const theirs = execFileSync('sh', ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar -t', file], { encoding: 'utf8' });
    const ours = (await treeOf(alone)).map(
      (entry) => `./${entry.path}${entry.type === 'directory' && entry.path !== '' ? '/' : ''}`,
    );
    expect(ours.filter((each) => !each.startsWith('./var'))).toEqual(theirs.trim().split('\n').sort());
  }, 120_000);

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot(
    'serve an ordinary user',
    () => {
      fs.chmodSync(directory, 0o777);
      fs.chmodSync(app(), 0o777);
      const script = `
        const dist = process.argv[1];
        const { DebianSource } = require(dist + '/build/debian');
        const { LockFile } = require(dist + '/plan');
        const { Store } = require(dist + '/store');
        const main = async ([storeDirectory, app, plan]) => {
          const [store, lockFile] = [await Store.open(storeDirectory), await LockFile.load(app)];
          const source = new DebianSource({ store, lockFile, listener: () => undefined, frozen: false });
          process.stdout.write(JSON.stringify(await source.provide('x', JSON.parse(plan))));
        };
        main(process.argv.slice(2));`;
      const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all'];
      const args = [path.join(__dirname, '../../dist'), path.join(directory, 'store'), app(), JSON.stringify(ofHost())];
      const output = execFileSync('setpriv', [...user, process.execPath, '-e', script, ...args], {
        encoding: 'utf8',
        cwd: directory,
        env: { ...process.env, HOME: directory },
      });
      expect(JSON.parse(output)).toEqual([expect.objectContaining({ name: 'hostname' })]);
      expect(fs.statSync(path.join(app(), LOCK_FILE_NAME)).uid).toBe(65534);
    },
    120_000,
  );
});
