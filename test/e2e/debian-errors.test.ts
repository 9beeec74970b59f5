import * as fs from 'node:fs';
import { lockKey, packageRequest } from '../../lib/build/debian/request';
import type { StackError } from '../../lib/core';
import { LockFile } from '../../lib/plan';
import { closedPort, DebianWorld, failureOf } from './debian-world';

let world: DebianWorld;

beforeEach(() => {
  world = new DebianWorld();
});

afterEach(() => {
  world.remove();
});

describe('errors leave lock file and store alone:', () => {
  const unchanged = async (work: () => Promise<unknown>): Promise<StackError> => {
    const before = world.lockText();
    await world.openStore();
    const stored = world.storeFiles();
    const error = await failureOf(work());
    expect(world.lockText()).toBe(before);
    expect(world.storeFiles()).toEqual(stored);
    return error;
  };

  beforeEach(async () => {
    world.repository
      .add({ name: 'alpha' })
      .add({ name: 'provider-a', fields: { Provides: 'virtual' } })
      .add({ name: 'provider-b', fields: { Provides: 'virtual' } })
      .publish();
    await world.provide(['alpha']);
  });

  test('an unknown package, with what was perhaps meant', async () => {
    const error = await unchanged(() => world.provide(['alpha', 'provider-c']));
    expect(error.code).toBe('STACK3010');
    expect(error.message).toContain("package 'provider-c' is unknown");
    expect(error.hint).toMatch(/did you mean 'provider-[ab]'/);
  });

  test.each(['none', 'closure'] as const)('a virtual package, with what provides it (%s)', async (dependencies) => {
    const error = await unchanged(() => world.provide(['virtual'], { dependencies }));
    expect(error.code).toBe('STACK3010');
    expect(error.hint).toBe('name one of those that provide it: provider-a, provider-b');
  });

  test("dependencies that cannot be satisfied, in apt's words", async () => {
    world.repository
      .add({ name: 'broken', fields: { Depends: 'nothere (>= 3)' } })
      .add({ name: 'enemy', fields: { Conflicts: 'alpha' } })
      .publish();
    const error = await unchanged(() => world.provide(['broken'], { dependencies: 'closure' }));
    expect(error.code).toBe('STACK3014');
    expect(error.message).toContain('broken : Depends: nothere (>= 3)');
    expect((await unchanged(() => world.provide(['alpha', 'enemy'], { dependencies: 'closure' }))).code).toBe(
      'STACK3014',
    );
  });

  test('a package whose bytes are not what the list says', async () => {
    world.repository
      .add({ name: 'good' })
      .add({ name: 'bad' }, (stanza) => stanza.replace(/^SHA256: ..../m, 'SHA256: 0000'))
      .publish();
    const error = await unchanged(() => world.provide(['good', 'bad']));
    expect(error.code).toBe('STACK3001');
    expect(error.message).toContain("package 'bad' 1.0 does not have the sha256 0000");
  });

  test('a locked version that is offered with other bytes', async () => {
    world.removeStore();
    world.repository
      .remove('alpha')
      .add({ name: 'alpha', files: { rebuilt: 'yes' } })
      .publish();
    const error = await unchanged(() => world.provide(['alpha']));
    expect(error.code).toBe('STACK3001');
    expect(error.message).toContain("package 'alpha' 1.0");
    expect(error.hint).toContain(': alpha');
  });

  test('a locked version that was superseded', async () => {
    world.removeStore();
    world.repository.remove('alpha').add({ name: 'alpha', version: '2.0' }).publish();
    const error = await unchanged(() => world.provide(['alpha']));
    expect(error.code).toBe('STACK3012');
    expect(error.message).toContain("package 'alpha' 1.0 is locked");
    expect(error.hint).toMatch(/run stack update 'amd64 none sources:[0-9a-f]{12}: alpha'.*snapshot/);
  });

  test('a package that the mirror lists but lacks', async () => {
    world.repository.add({ name: 'lost' }).publish();
    fs.rmSync(world.repository.fileOf({ name: 'lost' }));
    const error = await unchanged(() => world.provide(['lost']));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/cannot fetch package 'lost' 1\.0 from file:.*: File not found/);
  });

  test('a mirror that is down, without its credentials', async () => {
    const host = `127.0.0.1:${String(await closedPort())}`;
    const error = await unchanged(() =>
      world.provide(['lost'], { sources: `deb http://me:secret@${host}/debian bookworm main` }),
    );
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(new RegExp(`package 'lost'.*${host}/debian.*(Could not connect|Connection refused)`));
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  test('a mirror that is down when a locked package is to be fetched', async () => {
    const sources = `deb http://127.0.0.1:${String(await closedPort())}/debian bookworm main`;
    const lockFile = await LockFile.load(world.app);
    lockFile.setDebian(lockKey(packageRequest(world.plan(['zeta'], { sources }))), [
      { name: 'zeta', version: '1', architecture: 'all', sha256: 'a'.repeat(64), size: 1 },
    ]);
    await lockFile.save();
    const error = await unchanged(() => world.provide(['zeta'], { sources }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toContain("package 'zeta' 1");
  });

  test('a repository that is not signed', async () => {
    const error = await unchanged(() =>
      world.provide(['alpha'], {
        sources: world.repository.sources.replace('[trusted=yes] ', ''),
        dependencies: 'closure',
      }),
    );
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/'alpha'.*\/repository.*does not have a Release file/);
  });

  test('a suite without a signature', async () => {
    const sources = world.repository.publishSuite('stable', 'bookworm').replace('Trusted: yes\n', '');
    const error = await unchanged(() => world.provide(['alpha'], { sources }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toMatch(/'alpha'.*repository bookworm Release: is not signed/);
  });

  test('sources that cannot be read', async () => {
    const error = await unchanged(() => world.provide(['alpha'], { sources: 'dob http://host/debian bookworm main' }));
    expect(error.code).toBe('STACK3011');
    expect(error.message).toContain("Type 'dob' is not known");
  });

  test('a machine without apt', async () => {
    world.removeTools();
    const error = await unchanged(() => world.provide(['provider-a']));
    expect(error).toMatchObject({ code: 'STACK3013', message: 'apt-get is not installed' });
    expect(error.hint).toContain('Debian and Ubuntu');
  });
});
