import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { POOR_USER, World } from './sandbox-world';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

describe.each(['root', 'an ordinary user'] as const)('for %s', (who) => {
  let world: World;

  beforeAll(async () => {
    world = await World.create(who);
  }, MINUTE);

  afterAll(async () => {
    await world.end();
  }, MINUTE);

  test.each([
    ['auto', 'crun'],
    ['oci-runtime', 'crun'],
    ['unshare', 'unshare'],
  ])('the choice %s is %s, and leaves nothing behind', async (choice, driver) => {
    const directory = world.directory();
    expect(await world.agent.do('chooseDriver', { choice, directory })).toBe(driver);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('a store on an overlay is refused with the reason', async () => {
    const [lower, upper, work, merged] = [1, 2, 3, 4].map(() => world.directory()) as [string, string, string, string];
    execFileSync('mount', [
      '-t',
      'overlay',
      '-o',
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      'none',
      merged,
    ]);
    try {
      await expect(world.agent.do('chooseDriver', { choice: 'auto', directory: merged })).rejects.toMatchObject({
        reason: {
          code: 'STACK4010',
          message: expect.stringContaining(`'${merged}', which is on overlayfs`) as string,
          hint: expect.stringContaining('STACK_HOME') as string,
        },
      });
      expect(fs.readdirSync(merged)).toEqual([]);
    } finally {
      execFileSync('umount', [merged]);
    }
  });

  test('an inherited TAR_OPTIONS changes nothing', async () => {
    const name = world.newName('layer');
    process.env['TAR_OPTIONS'] = '--exclude=bin';
    const agent = await world.newAgent();
    delete process.env['TAR_OPTIONS'];
    await agent.do('materialize', { tar: world.path('base.tar'), directory: name });
    expect(fs.existsSync(path.join(name, 'bin/sh'))).toBe(true);
    agent.end();
  });
});

test('a user without subordinate ids is told how to get some', async () => {
  const world = await World.create('root');
  try {
    fs.chmodSync(world.home, 0o777);
    await expect(world.newAgent([], POOR_USER)).rejects.toMatchObject({
      reason: {
        code: 'STACK4010',
        message:
          'a sandbox cannot be made here: user nobody has no 65536 subordinate ids in /etc/subuid and /etc/subgid',
        hint: expect.stringMatching(/^as root: usermod --add-subuids (\d+-\d+) --add-subgids \1 nobody$/) as string,
      },
    });
  } finally {
    await world.end();
  }
});
