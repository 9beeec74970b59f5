import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { withoutAcls } from '../../lib/pack/acl';
import { lossesOf, readArchive, type Entry, type Tree } from '../../lib/pack';
import { failureOf } from '../failure';
import { Bench, bytesFile, stream } from './fixture';
import { file, pax, tar } from './tar-builder';

const bench = new Bench();
afterAll(() => {
  bench.remove();
});

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'acl-'));
afterAll(() => {
  fs.rmSync(scratch, { recursive: true });
});

/** The value of an ACL's attribute: triples of tag, rights and id. */
function acl(...entries: readonly (readonly [tag: number, rights: number, id?: number])[]): Buffer {
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(2);
  for (const [at, [tag, rights, id = 0xffffffff]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + 8 * at);
    value.writeUInt16LE(rights, 6 + 8 * at);
    value.writeUInt32LE(id, 8 + 8 * at);
  }
  return value;
}

const ACCESS = 'system.posix_acl_access';
const [USER, NAMED_USER, GROUP, NAMED_GROUP, MASK, OTHER] = [1, 2, 4, 8, 16, 32];

async function entryOf(bytes: Buffer): Promise<Entry | undefined> {
  return (await readArchive(stream([bytes]), { copy: bench.fresh(), name: 'it', layer: true })).tree.at(-1);
}

test('an ACL that no kernel takes is corrupt', async () => {
  const values = [
    Buffer.alloc(0), Buffer.from('x'), acl([USER, 7]).subarray(1), acl([USER, 7], [GROUP, 5]),
    acl([USER, 7], [NAMED_USER, 7, 1], [GROUP, 5], [OTHER, 0]), acl([USER, 9], [GROUP, 5], [OTHER, 0]),
    acl([3, 1], [USER, 7], [GROUP, 5], [OTHER, 0]),
  ]; // prettier-ignore
  for (const value of values) {
    const read = bench.read(tar(pax({ [`SCHILY.xattr.${ACCESS}`]: value }), file('f')));
    expect(await failureOf(read)).toMatchObject({ code: 'STACK4001', message: /posix_acl_access that is no ACL/ });
  }
  const text = bench.read(tar(pax({ 'SCHILY.acl.access': 'user:x' }), file('f')));
  expect(await failureOf(text)).toMatchObject({ code: 'STACK4001' });
});

test('an ACL as text is the same as one of the kernel, where ids are known', async () => {
  const binary = acl([USER, 6], [NAMED_USER, 4, 1000], [GROUP, 4], [NAMED_GROUP, 0, 5], [MASK, 4], [OTHER, 0]);
  const texts = [
    'user::rw-\nuser:1000:r--\ngroup::r--\ngroup:5:---\nmask::r--\nother::---\n',
    'user::rw-,group::r--,other::---,user:lisa:r--:1000,group:tty:---:5,mask::r--',
  ];
  for (const text of texts) {
    expect(await entryOf(tar(pax({ 'SCHILY.acl.access': text }), file('f', '', { mode: 0o640 })))).toMatchObject({
      mode: 0o640,
      xattrs: [{ name: ACCESS, value: binary }],
    });
  }
});

test('an ACL with a name that only its machine knows gives nobody more, and one that says no more than the mode is left out', async () => {
  const named = 'user::rw-\nuser:lisa:rw-\ngroup::---\nmask::rw-\nother::---';
  const mode = { mode: 0o660 };
  const unknown = await entryOf(tar(pax({ 'SCHILY.acl.access': named }), file('f', '', mode)));
  expect(unknown).toMatchObject({ mode: 0o600 });
  const plain = await entryOf(
    tar(pax({ 'SCHILY.acl.access': 'user::rw-\ngroup::rw-\nother::---' }), file('f', '', mode)),
  );
  expect(plain).toMatchObject({ mode: 0o660 });
  for (const entry of [unknown, plain]) expect(entry).not.toHaveProperty('xattrs');
});

test.each<[string, number, Buffer, number]>([
  ['the mask is not for the group', 0o670, acl([USER, 6], [NAMED_USER, 7, 1], [GROUP, 0], [MASK, 7], [OTHER, 0]), 0o600],
  ['who is named has less than others', 0o774, acl([USER, 7], [NAMED_USER, 0, 1], [GROUP, 7], [MASK, 7], [OTHER, 4]), 0o700],
  ['a named group has less than others', 0o775, acl([USER, 7], [GROUP, 7], [NAMED_GROUP, 1, 1], [MASK, 7], [OTHER, 5]), 0o771],
  ['setuid stays', 0o4755, acl([USER, 7], [NAMED_USER, 7, 1], [GROUP, 5], [MASK, 5], [OTHER, 5]), 0o4755],
])('without an ACL nobody gets more: %s', (_, mode, value, left) => {
  expect(withoutAcls({ mode, xattrs: [{ name: ACCESS, value }] })).toEqual({ mode: left, xattrs: [] });
}); // prettier-ignore

test('what a format does not hold is said once for each layer', () => {
  const value = acl([USER, 6], [NAMED_USER, 4, 1000], [GROUP, 4], [MASK, 4], [OTHER, 0]);
  const tree: Tree = [
    { ...bytesFile('a', ''), xattrs: [{ name: ACCESS, value }] },
    { ...bytesFile('b', ''), mtime: -1, xattrs: [{ name: 'user.e', value: Buffer.alloc(0) }] },
    { ...bytesFile('c', ''), mtime: 2 ** 32 },
    { type: 'whiteout', path: 'd' },
  ];
  expect(lossesOf(tree, 'squashfs').map(({ message }) => message)).toEqual([
    "'/a' has a POSIX ACL, which squashfs cannot hold; its mode gives nobody more than the ACL did",
    "'/b' (one of 2) has a time before 1970 or after 2106, which squashfs cannot hold; it gets the nearest it can",
  ]);
  expect(lossesOf(tree, 'tar').map(({ id, message }) => [id, message])).toEqual([
    ['empty-attribute', "'/b' has an extended attribute without a value, which some tools lose when they unpack a tar"],
  ]);
});

test("attributes with % and = in their names go through GNU tar's hands and come back", async () => {
  const directory = path.join(scratch, 'gnu');
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'f'), 'x');
  execFileSync('setfattr', ['-n', 'user.a=b%3D', '-v', 'value', path.join(directory, 'f')]);
  const bytes = execFileSync('tar', ['-c', '--xattrs', '--format=posix', '-C', directory, 'f']);
  const { tree } = await readArchive(stream([bytes]), { copy: bench.fresh(), name: 'it', layer: 'overlay' });
  expect(tree.at(-1)).toMatchObject({ xattrs: [{ name: 'user.a=b%3D', value: Buffer.from('value') }] });
});
