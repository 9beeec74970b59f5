import * as fs from 'node:fs';
import * as path from 'node:path';
import { ORDINARY_USER } from './as-root';
import { Mounts } from './mounts';
import { describeForEachUser, World } from './sandbox-world';

describeForEachUser((world) => {
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
    const [lower, upper, work] = [world.directory(), world.directory(), world.directory()];
    const mounts = new Mounts();
    const merged = mounts.mount('-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, 'none');
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
      mounts.end();
    }
  });

  test('an inherited TAR_OPTIONS changes nothing', async () => {
    const name = world.newName('layer');
    const agent = await world.newAgent({ env: { TAR_OPTIONS: '--exclude=bin' } });
    await agent.do('materialize', { tar: world.path('base.tar'), directory: name });
    expect(fs.existsSync(path.join(name, 'bin/sh'))).toBe(true);
    await agent.end();
  });
});

test('a user without subordinate ids is told how to get some', async () => {
  const world = new World('root');
  try {
    await world.start();
    await expect(world.newAgent({}, ORDINARY_USER)).rejects.toMatchObject({
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
