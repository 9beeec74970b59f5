import { failureOf } from '../failure';
import { hostImport, layer, stacked, Workshop, type Recipe } from './workshop';

const shop = new Workshop();
afterAll(() => {
  shop.remove();
});

const PASSWD = 'root:x:0:0::/root:/bin/sh\nweb:x:7:7::/:/bin/false\n';

/** A layer that starts as a user, and another one with account files. */
function recipe(user: string, passwd = PASSWD): Recipe {
  shop.write({ passwd, group: 'root:x:0:\nwww:x:7:\n', x: user });
  const imports = [hostImport('passwd', '/etc/passwd'), hostImport('group', '/etc/group')];
  return {
    images: {
      accounts: layer({ name: 'accounts', imports }),
      app: layer({ name: 'app', imports: [hostImport('x', '/x')], config: { user } }),
      both: stacked('accounts', 'app'),
    },
  };
}

test.each(['web', 'web:www', '7', '1000:1000', 'web:1000', '1000:www', ':www', ''])(
  'a combined image starts as %j',
  async (user) => {
    await expect(shop.build(recipe(user))).resolves.toBeDefined();
  },
);

test.each([
  ['wbe', "user 'wbe' in /etc/passwd"],
  ['we', "user 'we' in /etc/passwd"],
  ['web:users', "group 'users' in /etc/group"],
  ['1000:users', "group 'users' in /etc/group"],
])('a combined image does not start as %j, and says who sets that', async (user, missing) => {
  for (let round = 0; round < 2; round += 1) {
    expect(await failureOf(shop.build(recipe(user)))).toMatchObject({
      code: 'STACK5038',
      constructPath: 'both',
      message: `containers would start as user '${user}', which 'app' sets, but there is no ${missing}`,
      hint: expect.stringContaining('config: { user: … }') as string,
    });
  }
});

test('the user that the combined image sets itself is looked for, too, and is the one that counts', async () => {
  const { images } = recipe('nobody-there');
  const both = (user: string): Recipe => ({
    images: { ...images, both: { ...stacked('accounts', 'app'), config: { user } } },
  });
  await expect(shop.build(both('web'))).resolves.toBeDefined();
  expect(await failureOf(shop.build(both('other')))).toMatchObject({
    message: expect.stringContaining("which 'both' sets") as string,
  });
});

test('a layer that starts as a user it lacks says so in every build; a component may bring that user', async () => {
  shop.write({ passwd: PASSWD, x: '' });
  const imports = [hostImport('passwd', '/etc/passwd'), hostImport('x', '/x')];
  const one = (user: string): Recipe => ({ images: { one: layer({ name: 'one', imports, config: { user } }) } });
  for (let round = 0; round < 2; round += 1) {
    await shop.build(one('app'));
    expect(shop.events).toContainEqual({
      code: 'warning',
      id: 'user-unknown',
      image: 'one',
      message: "containers start as user 'app', but there is no user 'app' in /etc/passwd",
    });
  }
  await shop.build(one('web'));
  expect(shop.events).not.toContainEqual(expect.objectContaining({ id: 'user-unknown' }));
});
