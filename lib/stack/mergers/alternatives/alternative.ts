import { compareNames } from '../../../core';
import { linesOf, ofLines } from '../lines';
import { Malformed } from '../malformed';

/** A group of programs of which one serves under a common name: a file of `/var/lib/dpkg/alternatives`. */
export interface Alternative {
  /** Whether the best choice is taken, or one that somebody chose. */
  readonly isManual: boolean;
  /** Where it serves: `/usr/bin/editor`; undefined where there is no such alternative. */
  readonly link: string | undefined;
  /** Links that follow the choice, such as manual pages: where they are, by name. */
  readonly slaves: ReadonlyMap<string, string>;
  /** By path. */
  readonly choices: ReadonlyMap<string, Choice>;
}

/** One of the programs. */
export interface Choice {
  readonly priority: number;
  /** Its files for the slaves that it has, by name. */
  readonly slaves: ReadonlyMap<string, string>;
}

/** What those have that do not have the alternative. */
const NOTHING: Alternative = { isManual: false, link: undefined, slaves: new Map(), choices: new Map() };

/**
 * Reads such a file; an empty one stands for none.
 * @throws Malformed
 */
export function parseAlternative(content: Buffer): Alternative {
  if (content.length === 0) return NOTHING;
  const lines = linesOf(content).values();
  const next = (what: string): string => {
    const line = lines.next();
    if (line.done === true) throw new Malformed(`it ends where a ${what} should be`);
    return line.value;
  };
  const status = next('status');
  if (status !== 'auto' && status !== 'manual') throw new Malformed('it has no status');
  const link = absolute(next('link'));
  const slaves = new Map<string, string>();
  for (let name = next('slave'); name !== ''; name = next('slave')) {
    if (name.includes('/') || slaves.has(name))
      throw new Malformed(`its slave '${name}' is twice there, or has no name`);
    slaves.set(name, absolute(next('link')));
  }
  const choices = new Map<string, Choice>();
  for (let path = next('choice'); path !== ''; path = next('choice')) {
    if (choices.has(absolute(path))) throw new Malformed(`its choice '${path}' is twice there`);
    const priority = next('priority');
    if (!/^-?\d{1,10}$/.test(priority)) throw new Malformed(`its choice '${path}' has no priority`);
    const files = [...slaves.keys()].map((name) => [name, next('file')] as const).filter(([, file]) => file !== '');
    choices.set(path, { priority: Number(priority), slaves: new Map(files) });
  }
  return { isManual: status === 'manual', link, slaves, choices };
}

function absolute(path: string): string {
  if (!path.startsWith('/')) throw new Malformed(`'${path}' is no absolute path`);
  return path;
}

/** The file as update-alternatives writes it: everything sorted. */
export function formatAlternative({ isManual, link = '', slaves, choices }: Alternative): Buffer {
  const names = [...slaves].sort(([a], [b]) => compareNames(a, b));
  const paths = [...choices].sort(([a], [b]) => compareNames(a, b));
  return ofLines([
    isManual ? 'manual' : 'auto',
    link,
    ...names.flat(),
    '',
    ...paths.flatMap(([path, choice]) => [
      path,
      String(choice.priority),
      ...names.map(([name]) => choice.slaves.get(name) ?? ''),
    ]),
    '',
  ]);
}
