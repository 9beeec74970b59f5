/** What is at a path: type, mode, owner, and size or target, as find(1) tells it. */
export interface Seen {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  /** The size of a file, which says all of its content, or where a link leads. */
  readonly data: string;
}
export type Sight = ReadonlyMap<string, Seen>;

/** What a combined image has to be. */
export interface Verdict {
  /** Paths that make it an error, with the reason. */
  readonly must: ReadonlyMap<string, string>;
  /** What the base and the components have at a path. */
  readonly textAt: (path: string) => string;
  /** Reports whether an error may name a path. */
  readonly may: (path: string) => boolean;
  /** Differences of an image from what each component alone looks like. */
  readonly differences: (result: Sight) => readonly string[];
}

const textOf = (seen: Seen | undefined): string =>
  seen === undefined
    ? 'nothing'
    : [seen.type, seen.type === 'l' ? '' : seen.mode.toString(8), seen.owner, seen.group, seen.data].join(' ');
const isSame = (a: Seen | undefined, b: Seen | undefined): boolean => textOf(a) === textOf(b);
const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/**
 * Says path by path what components with a common base give together, knowing of their layers nothing but which paths their
 * whiteouts and stale copies name: what one of them changes is so, what two change differently is an error, and so is what
 * changes a thing that others rest on.
 */
export function threeWay(base: Sight, sights: readonly Sight[], named: ReadonlySet<string>): Verdict {
  const must = new Map<string, string>();
  const may = new Set<string>();
  const wanted = new Map<string, readonly (Seen | undefined)[]>();
  const paths = [...new Set([base, ...sights].flatMap((sight) => [...sight.keys()]))].sort();
  for (const path of paths) {
    const before = base.get(path);
    const all = sights.map((sight) => sight.get(path));
    const changes = [
      ...new Map(all.filter((each) => !isSame(each, before)).map((each) => [textOf(each), each])).values(),
    ];
    const [change] = changes;
    if (path.startsWith('tmp/')) {
      wanted.set(path, [before, ...all]);
      may.add(path);
    } else if (changes.length === 0) {
      wanted.set(path, [before]);
    } else if (changes.length === 1) {
      wanted.set(path, [change]);
      if (opens(change, before) && !all.every((each) => isSame(each, change))) must.set(path, 'opened by one side');
    } else if (changes.every((each) => each?.type === 'd')) {
      const closed = changes.filter((each) => !opens(each, before));
      wanted.set(path, closed);
      if (closed.length === 0) must.set(path, 'opened in different ways');
      else may.add(path);
    } else {
      must.set(path, `changed differently: ${[before, ...all].map(textOf).join(', ')}`);
    }
  }
  const isNew = (sight: Sight, path: string): boolean => sight.has(path) && !isSame(sight.get(path), base.get(path));
  for (const [path, before] of base) {
    for (const [at, sight] of sights.entries()) {
      const now = sight.get(path);
      const others = sights.filter((_, other) => other !== at);
      // What names it again, or names what was below it, is refused as well: tools disagree on what comes of two types.
      if (now !== undefined && now.type !== before.type) {
        for (const each of named) if (each === path || isBelow(each, path)) may.add(each);
      }
      if (before.type === 'd' && now?.type !== 'd') {
        const inside = paths.filter((each) => isBelow(each, path) && others.some((other) => isNew(other, each)));
        if (now !== undefined && inside.length > 0) must.set(path, 'no directory any more');
        // What is in /tmp goes to whoever is on top, and may keep the directory, or go with it.
        const areAnyones = path === 'tmp';
        if (now === undefined && (inside.length > 0 || areAnyones)) {
          wanted.set(path, [
            before,
            ...(areAnyones ? [undefined] : []),
            ...others.map((other) => other.get(path)).filter((each) => each?.type === 'd'),
          ]);
          may.add(path);
        }
      }
      if (before.type !== 'l' || isSame(now, before) || (now?.type === 'l' && now.data === before.data)) continue;
      for (const other of others) {
        const target = resolve(other, path);
        if (!isSame(other.get(path), before) || target === undefined || isBelow(path, target) || target === '')
          continue;
        if (paths.some((each) => isBelow(each, target) && isNew(other, each)))
          must.set(path, 'a link that others have files behind');
      }
    }
  }
  // A whiteout that hides what another component has new.
  for (const path of named) {
    if (paths.some((each) => (each === path || isBelow(each, path)) && !base.has(each))) may.add(path);
  }
  return {
    must,
    textAt: (path) => [base, ...sights].map((sight) => textOf(sight.get(path))).join(', '),
    may: (path) => must.has(path) || may.has(path),
    differences: (result) =>
      [...new Set([...paths, ...result.keys()])].flatMap((path) => {
        const [seen, right] = [result.get(path), wanted.get(path) ?? [undefined]];
        const isRight = right.some((each) => isSame(each, seen));
        return isRight ? [] : [`/${path}: ${textOf(seen)}, but should be ${right.map(textOf).join(' or ')}`];
      }),
  };
}

/** Where a link leads in the end, if that is a directory. */
function resolve(sight: Sight, start: string): string | undefined {
  let path = start;
  for (let hops = 0; hops < 40; hops += 1) {
    const parts = path.split('/');
    const at = parts.findIndex((_, index) => sight.get(parts.slice(0, index + 1).join('/'))?.type === 'l');
    if (at < 0) return sight.get(path)?.type === 'd' || path === '' ? path : undefined;
    const target = sight.get(parts.slice(0, at + 1).join('/'))?.data ?? '';
    const from = target.startsWith('/') ? [] : parts.slice(0, at);
    const whole: string[] = [];
    for (const part of [...from, ...target.split('/'), ...parts.slice(at + 1)]) {
      if (part === '..') whole.pop();
      else if (part !== '' && part !== '.') whole.push(part);
    }
    path = whole.join('/');
  }
  return undefined;
}

/** Whether a file or directory of the base protects less than before. */
function opens(now: Seen | undefined, before: Seen | undefined): boolean {
  if (now === undefined || before === undefined || now.type !== before.type || now.type === 'l') return false;
  const gained = now.mode & ~before.mode;
  const group = now.group !== before.group && now.group !== '0' ? 0 : gained & 0o070;
  if (now.type === 'd' && before.mode & 0o1000 && !(now.mode & 0o1000)) return true;
  if (now.type === 'd' && (before.mode & 0o1002) === 0o1002 && (before.mode & ~now.mode & 0o777) !== 0) return true;
  return (gained & 0o002) !== 0 || ((before.mode & 0o007) === 0 && ((gained & 0o007) | group) !== 0);
}
