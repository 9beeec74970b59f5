import type { Records } from '../records';
import { linesOf, ofLines } from '../lines';
import { Malformed } from '../malformed';

/** What one of the account files has in its lines. */
export interface AccountFile {
  readonly path: string;
  /** What a line is about. */
  readonly noun: 'user' | 'group';
  /** What the fields are, in their order; the first is the name. */
  readonly fields: readonly string[];
  /** Where the id is that owns files. */
  readonly id?: { readonly field: number; readonly kind: 'uid' | 'gid' };
  /** Fields that are sets of names. */
  readonly sets: readonly number[];
  /** Fields that say when something was done, in days: the earliest is as good as any. */
  readonly days: readonly number[];
}

/** passwd(5). */
export const PASSWD: AccountFile = {
  path: 'etc/passwd',
  noun: 'user',
  fields: ['name', 'password', 'user id', 'primary group', 'comment', 'home directory', 'login shell'],
  id: { field: 2, kind: 'uid' },
  sets: [],
  days: [],
};

/** shadow(5). */
export const SHADOW: AccountFile = {
  path: 'etc/shadow',
  noun: 'user',
  fields: [
    'name',
    'password',
    'last change of the password',
    'minimum age of the password',
    'maximum age of the password',
    'warning period',
    'inactivity period',
    'expiration date',
    'reserved field',
  ],
  sets: [],
  days: [2],
};

/** group(5). */
export const GROUP: AccountFile = {
  path: 'etc/group',
  noun: 'group',
  fields: ['name', 'password', 'group id', 'members'],
  id: { field: 2, kind: 'gid' },
  sets: [3],
  days: [],
};

/** gshadow(5). */
export const GSHADOW: AccountFile = {
  path: 'etc/gshadow',
  noun: 'group',
  fields: ['name', 'password', 'administrators', 'members'],
  sets: [2, 3],
  days: [],
};

/** The fields of a line. Comments, empty lines and those of NIS have one field only: themselves. */
export type Account = readonly string[];

const ID = /^\d{1,10}$/;

/**
 * The lines of an account file by name. What is no account is known by what it says.
 * @throws Malformed, which never says what a line has, since it may be a password
 */
export function parseAccounts(file: AccountFile, content: Buffer): Records<Account> {
  const accounts = new Map<string, Account>();
  for (const [index, line] of linesOf(content).entries()) {
    const fields = /^([-+#]|$)/.test(line) ? [line] : line.split(':');
    const [name = ''] = fields;
    const at = `line ${String(index + 1)}`;
    if (fields.length > 1) {
      if (fields.length !== file.fields.length || name === '') throw new Malformed(`${at} is no ${file.noun}`);
      if (file.id !== undefined && !ID.test(fields[file.id.field] ?? '')) {
        throw new Malformed(`${at} has an id that is no number`);
      }
      if (accounts.has(name)) throw new Malformed(`${at} has the ${file.noun} '${name}' once more`);
    } else if (line === name && name !== '' && !/^[-+#]/.test(name)) {
      throw new Malformed(`${at} is no ${file.noun}`);
    }
    accounts.set(fields.length > 1 ? name : `\n${line}`, fields);
  }
  return accounts;
}

/** An account file with these lines. */
export function formatAccounts(accounts: Records<Account>): Buffer {
  return ofLines([...accounts.values()].map((fields) => fields.join(':')));
}

/** The id of an account, undefined for lines that are none. */
export function idOf(file: AccountFile, account: Account): number | undefined {
  return file.id === undefined || account.length < 2 ? undefined : Number(account[file.id.field]);
}
