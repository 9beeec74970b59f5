import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { controlStanza, debDigest, openDataTar } from '../../lib/build/debian';
import { readArchive } from '../../lib/pack';
import type { DebianPlan } from '../../lib/plan';
import { asRoot, commandAs, ORDINARY_USER } from './as-root';
import { DebianRepository } from './debian-repository';
import { closedPort, DebianWorld, failureOf, named } from './debian-world';

let world: DebianWorld;

beforeEach(() => {
  world = new DebianWorld();
});

afterEach(() => {
  world.remove();
});

describe('packages of a repository', () => {
  beforeEach(() => {
    world.repository
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
    const packages = await world.provide(['beta', 'alpha']);
    expect(named(packages)).toEqual(['alpha 1:1.0~rc-1', 'beta 3.0']);
    expect(world.storeFiles().sort()).toEqual(packages.map(({ sha256 }) => sha256).sort());
    const alpha = packages[0];
    expect(alpha?.size).toBe(fs.statSync(world.repository.fileOf({ name: 'alpha', version: '1:1.0~rc-1' })).size);
    expect(world.events).toEqual([
      { code: 'packages-resolving', image: 'images/x', packages: ['alpha', 'beta'] },
      { code: 'package-fetched', image: 'images/x', name: 'alpha', size: alpha?.size },
      { code: 'package-fetched', image: 'images/x', name: 'beta', size: packages[1]?.size },
      { code: 'packages-locked', image: 'images/x', count: 2 },
    ]);
  });

  test('closure adds all they depend on, and nothing merely recommended', async () => {
    expect(named(await world.provide(['alpha'], { dependencies: 'closure' }))).toEqual([
      'alpha 1:1.0~rc-1',
      'beta 3.0',
      'gamma 1.0',
    ]);
  });

  test('a version can be asked for', async () => {
    expect(named(await world.provide(['beta=2.0', 'alpha'], { dependencies: 'closure' }))).toContain('beta 2.0');
    const error = await failureOf(world.provide(['beta=2.5']));
    expect(error).toMatchObject({ code: 'STACK3010', hint: 'there is 3.0, 2.0' });
  });

  test('sources may be in the deb822 format', async () => {
    const sources = `Types: deb\nURIs: file:${path.join(world.directory, 'repository')}\nSuites: ./\nTrusted: yes\n`;
    expect(named(await world.provide(['gamma'], { sources }))).toEqual(['gamma 1.0']);
  });

  test('what is locked and stored needs no tool and no network', async () => {
    const packages = await world.provide(['alpha'], { dependencies: 'closure' });
    const before = world.lockText();
    fs.rmSync(path.join(world.directory, 'repository'), { recursive: true });
    world.removeTools();
    world.events.length = 0;
    expect(await world.provide(['alpha'], { dependencies: 'closure' }, true)).toEqual(packages);
    expect(world.events).toEqual([]);
    expect(world.lockText()).toBe(before);
  });

  test('a locked version is kept until its entry is deleted', async () => {
    await world.provide(['beta']);
    world.repository.add({ name: 'beta', version: '4.0' }).publish();
    expect(named(await world.provide(['beta']))).toEqual(['beta 3.0']);
    fs.rmSync(world.lockFile);
    expect(named(await world.provide(['beta']))).toEqual(['beta 4.0']);
  });

  test('a locked package that the store lacks is fetched again, as it was', async () => {
    const packages = await world.provide(['beta']);
    world.removeStore();
    world.repository.add({ name: 'beta', version: '4.0' }).publish();
    expect(await world.provide(['beta'], {}, true)).toEqual(packages);
    expect(world.storeFiles()).toEqual([packages[0]?.sha256]);
  });

  test('images that share packages fetch each once, and both are locked', async () => {
    const source = await world.deploy();
    await Promise.all([
      source.provide('one', world.plan(['alpha'], { dependencies: 'closure' })),
      source.provide('two', world.plan(['beta', 'extra'])),
      source.provide('three', world.plan(['beta'])),
      source.provide('four', world.plan(['beta'])),
    ]);
    const fetched = world.events.flatMap((event) => (event.code === 'package-fetched' ? event.name : []));
    expect(fetched.sort()).toEqual(['alpha', 'beta', 'extra', 'gamma']);
    expect(Object.keys((JSON.parse(world.lockText() ?? '') as { debian: object }).debian)).toHaveLength(3);
  });

  test('two processes may use one store at a time', async () => {
    const [one, two] = [await world.deploy(), await world.deploy()];
    const results = await Promise.all([
      one.provide('a', world.plan(['alpha'])),
      two.provide('b', world.plan(['beta', 'gamma'])),
    ]);
    expect(results.map(named)).toEqual([['alpha 1:1.0~rc-1'], ['beta 3.0', 'gamma 1.0']]);
  });

  test('--frozen refuses to lock', async () => {
    const error = await failureOf(world.provide(['beta'], {}, true));
    expect(error.code).toBe('STACK3021');
    expect(error.message).toContain(': beta');
    expect(world.events).toEqual([]);
  });

  test('nothing is kept of an aborted one', async () => {
    const controller = new AbortController();
    const source = await world.deploy({ signal: controller.signal });
    const work = source.provide('x', world.plan(['alpha'], { dependencies: 'closure' }));
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 50);
    await expect(work).rejects.toThrow('enough');
    expect(world.storeFiles()).toEqual([]);
    expect(world.lockText()).toBeUndefined();
  });

  test("apt's hooks, pins and default release of the host do not reach in", async () => {
    const mark = path.join(world.directory, 'hook-ran');
    world.configureHost(`APT::Update::Post-Invoke { "touch ${mark}"; };\nAPT::Update::Pre-Invoke { "touch ${mark}"; };
       APT::Install-Recommends "true";\nAPT::Default-Release "nowhere";\nDir::Etc::preferences "${world.directory}/pins";
       APT::Architecture "s390x";\nDir::Cache "/nonexistent";\nAcquire::AllowInsecureRepositories "true";\n`);
    fs.writeFileSync(path.join(world.directory, 'pins'), 'Package: beta\nPin: version 2.0\nPin-Priority: 1001\n');
    expect(named(await world.provide(['alpha'], { dependencies: 'closure' }))).toEqual([
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
    const suite = (name: string): DebianRepository => new DebianRepository(path.join(world.directory, name));
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
    expect(named(await world.provide(['beta'], { sources, ...(suite === undefined ? {} : { suite }) }))).toEqual([
      `beta ${version}`,
    ]);
  });

  test('what a suite does not have comes from the others', async () => {
    expect(named(await world.provide(['only-testing', 'beta'], { sources, suite: 'bookworm' }))).toEqual([
      'beta 1.0+deb12u1',
      'only-testing 1.0',
    ]);
  });

  test('one that the sources do not have is an error', async () => {
    const error = await failureOf(world.provide(['beta'], { sources, suite: 'bookwurm' }));
    expect(error).toMatchObject({ code: 'STACK3010', hint: "did you mean 'bookworm'?" });
  });

  test('a foreign architecture is resolved as if the host were of it', async () => {
    const port = new DebianRepository(path.join(world.directory, 'port'));
    const entry = port
      .add({ name: 'tool', architecture: 'arm64', fields: { Depends: 'libtool, data' } })
      .add({ name: 'libtool', architecture: 'arm64' })
      .add({ name: 'data' })
      .publishSuite('stable', 'bookworm');
    const packages = await world.provide(['tool'], {
      sources: entry,
      dependencies: 'closure',
      platform: 'linux/arm64',
    });
    expect(packages.map(({ name, architecture }) => `${name}:${architecture}`)).toEqual([
      'data:all',
      'libtool:arm64',
      'tool:arm64',
    ]);
  });
});

test('a source that cannot be reached is only warned of when it is not needed', async () => {
  world.repository.add({ name: 'alpha' }).publish();
  const port = await closedPort();
  const sources = `${world.repository.sources}deb http://127.0.0.1:${String(port)}/other ./\n`;
  expect(named(await world.provide(['alpha'], { sources }))).toEqual(['alpha 1.0']);
  const warnings = world.events.flatMap((event) => (event.code === 'warning' ? event.message : []));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`127.0.0.1:${String(port)}`);
});

describe('the content of packages', () => {
  test('is theirs and their records, and no script of theirs runs', async () => {
    const mark = path.join(world.directory, 'script-ran');
    const script = `#!/bin/sh\ntouch ${mark}\n`;
    world.repository
      .add({
        name: 'alpha',
        files: { 'usr/share/doc/alpha/copyright': 'free', 'usr/share/alpha/data': 'content' },
        scripts: { preinst: script, postinst: script },
        fields: { Homepage: 'https://example.org' },
      })
      .publish();
    const tree = await world.treeOf(await world.provide(['alpha'], { dependencies: 'closure' }), ['/usr/share/doc']);
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
    world.repository
      .add({ name: 'alpha', files: { 'usr/share/x': 'x'.repeat(10_000) + String(Math.PI).repeat(100) } })
      .publish();
    const whole = fs.readFileSync(world.repository.fileOf({ name: 'alpha' }));
    const file = path.join(world.directory, 'broken.deb');
    for (const content of [
      whole.subarray(0, whole.length - 50),
      Buffer.concat([whole.subarray(0, -60), Buffer.alloc(60)]),
      Buffer.from('no package'),
    ]) {
      fs.writeFileSync(file, content);
      const copy = path.join(world.directory, 'copy.tar');
      const error = await failureOf(readArchive(openDataTar(file, 'alpha'), { copy, name: 'alpha', layer: false }));
      expect(error.code).toBe('STACK4001');
      expect(error.message).toContain('alpha');
      fs.rmSync(copy);
    }
    expect((await failureOf(controlStanza(file, 'alpha'))).code).toBe('STACK4001');
  });
});

/** Everything below the host's own state of apt and dpkg, with sizes and times. */
function hostState(): string {
  return asRoot('find', '/var/lib/apt', '/var/cache/apt', '/var/lib/dpkg', '-printf', '%p %s %T@\n');
}

describe("the host's sources", () => {
  const ofHost = (changes: Partial<DebianPlan> = {}): DebianPlan => {
    const { sources, ...rest } = world.plan(['hostname'], changes);
    expect(sources).toBeDefined();
    return rest;
  };

  test('serve a package and its closure, and the host itself is left alone', async () => {
    const before = hostState();
    const source = await world.deploy();
    const [alone, closure] = await Promise.all([
      source.provide('alone', ofHost()),
      source.provide('closure', ofHost({ dependencies: 'closure' })),
    ]);
    expect(alone.map(({ name }) => name)).toEqual(['hostname']);
    expect(closure.map(({ name }) => name)).toEqual(expect.arrayContaining(['hostname', 'libc6']));
    expect(hostState()).toEqual(before);

    const tree = await world.treeOf(alone, ['usr/share']);
    expect(tree.find(({ path: each }) => each.endsWith('bin/hostname'))).toMatchObject({
      type: 'file',
      mode: 0o755,
      uid: 0,
      gid: 0,
    });
    const file = (await world.openStore()).blobPath(debDigest(alone[0]!));
    const theirs = execFileSync('sh', ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar -t', file], { encoding: 'utf8' });
    const ours = (await world.treeOf(alone)).map(
      (entry) => `./${entry.path}${entry.type === 'directory' && entry.path !== '' ? '/' : ''}`,
    );
    expect(ours.filter((each) => !each.startsWith('./var'))).toEqual(theirs.trim().split('\n').sort());
  }, 120_000);

  test('serve an ordinary user', () => {
    fs.chmodSync(world.directory, 0o777);
    fs.chmodSync(world.app, 0o777);
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
    const args = [
      path.join(__dirname, '../../dist'),
      path.join(world.directory, 'store'),
      world.app,
      JSON.stringify(ofHost()),
    ];
    const environment = { ...process.env, HOME: world.directory };
    const [command, ...rest] = commandAs(ORDINARY_USER, environment, [process.execPath, '-e', script, ...args]);
    const output = execFileSync(command, rest, { encoding: 'utf8', cwd: world.directory });
    expect(JSON.parse(output)).toEqual([expect.objectContaining({ name: 'hostname' })]);
    expect(fs.statSync(world.lockFile).uid).toBe(ORDINARY_USER.uid);
  }, 120_000);
});
