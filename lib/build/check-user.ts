import { canonicalJson } from '../core';
import { digestOf } from '../oci';
import type { Combination } from '../stack';
import { combinationOf } from './combined';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { contentOf } from './merged-files';

const RECORD = 'users';
/** Bytes of an account file that is looked into. */
const MAX_ACCOUNTS = 16 * 1024 * 1024;

/**
 * Finds out whether the user that an image starts as is in its account files, once for the same layers. Numbers need not be
 * there; an image without account files is not looked into.
 * @param deltas of the image, bottom to top
 * @param user as in a config: `name`, `1000`, `name:group`
 * @returns what is missing, such as `user 'web' in /etc/passwd`; undefined when nothing is
 * @throws StackError as `pathListsOf`
 */
export async function missingAccount(
  context: BuildContext,
  deltas: readonly KnownDelta[],
  user: string | undefined,
): Promise<string | undefined> {
  const wanted = accountsOf(user);
  if (wanted.length === 0) return undefined;
  const { store, signal } = context;
  const key = digestOf(canonicalJson({ version: 1, user, layers: deltas.map(({ contentKey }) => contentKey) }));
  const { missing } = await store.findOrMake(
    `${RECORD} ${key}`,
    {
      find: async () => recordOf(await store.readRecord(RECORD, key)),
      make: async () => {
        const record = { missing: await lookUp(context, deltas, wanted) };
        await store.writeRecord(RECORD, key, record);
        return record;
      },
    },
    signal,
  );
  return missing ?? undefined;
}

interface Account {
  readonly noun: 'user' | 'group';
  readonly name: string;
  /** Path of the file that lists them. */
  readonly file: string;
}

/** The names in a user of a config. */
function accountsOf(user = ''): readonly Account[] {
  const [name = '', group = ''] = user.split(':', 2);
  const accounts: readonly Account[] = [
    { noun: 'user', name, file: 'etc/passwd' },
    { noun: 'group', name: group, file: 'etc/group' },
  ];
  return accounts.filter((account) => account.name !== '' && !/^\d+$/.test(account.name));
}

function recordOf(known: unknown): { readonly missing: string | null } | undefined {
  const { missing } = Object(known) as { readonly missing?: unknown };
  return missing === null || typeof missing === 'string' ? { missing } : undefined;
}

async function lookUp(
  context: BuildContext,
  deltas: readonly KnownDelta[],
  wanted: readonly Account[],
): Promise<string | null> {
  const combination = await combinationOf(context, { deltas, combines: [{ name: '', deltas }] });
  for (const { noun, name, file } of wanted) {
    const content = await contentAt(combination, deltas, file);
    const lines = content?.toString('latin1').split('\n') ?? [];
    const wantedBytes = Buffer.from(name).toString('latin1');
    if (content !== undefined && !lines.some((line) => line.startsWith(`${wantedBytes}:`))) {
      return `${noun} '${name}' in /${file}`;
    }
  }
  return null;
}

/** The content of a file of an image: only the layer that has it is read. */
async function contentAt(
  combination: Combination,
  deltas: readonly KnownDelta[],
  path: string,
): Promise<Buffer | undefined> {
  const place = combination.finalOf(path, combination.placesOf(path), 0);
  const state = place && combination.layer(place.layer).state(place.at);
  if (place === undefined || state === undefined || state === 'implied' || state.type !== 'file') return undefined;
  if (state.size > MAX_ACCOUNTS) return undefined;
  const tree = await deltas[place.layer]?.tree();
  const file = tree?.find((entry) => entry.path === state.path);
  return file?.type === 'file' ? contentOf(file) : undefined;
}
