import { dir, entry, pax, tar } from '../pack/tar-builder';

/** What is random is told by a seed alone. */
export class Dice {
  public constructor(private state: number) {}

  /** At least 0, less than 1 (mulberry32). */
  public next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  public below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  public chance(probability: number): boolean {
    return this.next() < probability;
  }

  public pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

type Kind = 'directory' | 'file' | 'symlink' | 'hardlink' | 'fifo' | 'char' | 'whiteout' | 'opaque';

interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly xattrs: Readonly<Record<string, Buffer>>;
}

/** One member of a layer, named as it stands in the archive: whiteouts by what they remove. */
export interface Member {
  readonly kind: Kind;
  readonly path: string;
  readonly metadata: Metadata;
  readonly content: string;
  /** Of links. */
  readonly target: string;
}

const NAMES = ['a', 'b', 'c', 'lib', 'usr'];
const MODES = [0o755, 0o644, 0o700, 0o640, 0o000, 0o4755, 0o2711, 0o1777, 0o511];
const CAPABILITY = Buffer.from('0100000202000000000000000000000000000000', 'hex');

/** Layers of one image, each a random archive that unpacks over those before it. */
export class RandomLayers {
  /** What containers see so far: types of things, links with their targets. */
  private view = new Map([['', 'directory']]);

  /** @param described how likely a layer describes a directory that it puts something into */
  public constructor(
    private readonly dice: Dice,
    private readonly described: number,
  ) {}

  public layer(): readonly Member[] {
    const layer = new RandomLayer(this.dice, this.view, this.described);
    for (let tries = 3 + this.dice.below(12); tries > 0; tries -= 1) layer.add();
    this.view = layer.applied();
    return layer.members();
  }
}

class RandomLayer {
  private readonly own = new Map<string, Member>();
  /** Places of what the layer has, and of what it removes. */
  private readonly places = new Map<string, Member>();

  public constructor(
    private readonly dice: Dice,
    private readonly view: ReadonlyMap<string, string>,
    private readonly described: number,
  ) {
    if (dice.chance(Math.max(described, 0.2))) this.put('directory', '');
  }

  /** In an order in which directories come before what is in them, and marks before what stays. */
  public members(): readonly Member[] {
    const nameOf = ({ kind, path }: Member): string => (isMark(kind) ? markOf(kind, path) : path);
    return [...this.own.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  public add(): void {
    const { dice } = this;
    const kind = dice.pick<Kind>([
      'file', 'file', 'file', 'directory', 'directory', 'symlink', 'hardlink', 'fifo', 'char', 'whiteout', 'whiteout', 'opaque',
    ]); // prettier-ignore
    const known = [...this.view.keys()].filter((path) => path !== '');
    const path =
      isMark(kind) && known.length > 0 && dice.chance(0.9)
        ? dice.pick(known)
        : Array.from({ length: 1 + dice.below(4) }, () => dice.pick(NAMES)).join('/');
    if (kind === 'opaque' && (this.typeAt(path) !== 'directory' || this.isNested(path))) return;
    const parents = ancestors(path);
    const place = this.placeOf(path);
    if (place === undefined || this.own.has(path) || this.isTaken(place, kind)) return;
    for (const parent of parents) {
      const isLink = this.typeAt(parent)?.startsWith('->') === true;
      if (this.own.has(parent) || !dice.chance(isLink ? this.described ** 3 : this.described)) continue;
      if (this.isTaken(this.placeOf(parent) ?? '', 'directory') || this.own.has(parent)) return;
      this.put('directory', parent);
    }
    const finalPlace = this.placeOf(path);
    if (finalPlace === undefined || this.isTaken(finalPlace, kind)) return;
    if (kind === 'symlink') this.addLink(path);
    else if (kind === 'hardlink') this.addHardlink(path);
    else this.put(kind, path);
  }

  /** The view with the layer over it. */
  public applied(): Map<string, string> {
    const view = new Map(this.view);
    const removeBelow = (path: string): void => {
      for (const each of [...view.keys()])
        if (path === '' ? each !== '' : each.startsWith(`${path}/`)) view.delete(each);
    };
    for (const [place, { kind }] of this.places) {
      if (kind === 'whiteout') view.delete(place);
      if (kind !== 'directory') removeBelow(place);
    }
    for (const [place, { kind, target }] of this.places) {
      if (isMark(kind)) continue;
      for (const parent of ancestors(place)) if (!view.has(parent)) view.set(parent, 'directory');
      if (kind === 'directory' && view.get(place) !== 'directory') removeBelow(place);
      view.set(place, kind === 'symlink' ? `->${target}` : kind);
    }
    return view;
  }

  private put(kind: Kind, path: string, target = ''): void {
    const member = {
      kind,
      path,
      metadata: this.metadata(kind),
      content: this.dice.pick(['', 'x', 'yy'.repeat(300)]),
      target,
    };
    this.own.set(isMark(kind) ? markOf(kind, path) : path, member);
    this.places.set(this.placeOf(path) ?? path, member);
  }

  private addLink(path: string): void {
    const { dice } = this;
    const directories = [...this.view].flatMap(([each, type]) => (type === 'directory' && each !== '' ? [each] : []));
    const target = directories.length > 0 && dice.chance(0.8) ? dice.pick(directories) : dice.pick(NAMES);
    if (`${path}/`.startsWith(`${target}/`) || `${target}/`.startsWith(`${path}/`)) return;
    const place = this.placeOf(path) ?? path;
    this.put('symlink', path, dice.chance(0.5) ? `/${target}` : `${'../'.repeat(ancestors(place).length)}${target}`);
  }

  private addHardlink(path: string): void {
    const targets = [...this.own.values()].filter((each) => LINKABLE.includes(each.kind) && each.path < path);
    if (targets.length > 0) this.put('hardlink', path, this.dice.pick(targets).path);
  }

  /** Whether something of the layer is at a place, or in the way of it. */
  private isTaken(place: string, kind: Kind): boolean {
    for (const [each, { kind: other }] of this.places) {
      const isSame = each === place;
      if (isSame && !(isMark(kind) && other === 'directory')) return true;
      if (isSame && kind === 'whiteout') return true;
      if (place.startsWith(`${each}/`) && other !== 'directory' && other !== 'opaque') return true;
      if (each.startsWith(`${place}/`) && kind !== 'directory' && kind !== 'opaque') return true;
    }
    return false;
  }

  private typeAt(path: string): string | undefined {
    return this.view.get(this.placeOf(path) ?? path);
  }

  /** Where a path is, links of the view followed in its parents; undefined where it is below what is no directory. */
  private placeOf(path: string): string | undefined {
    let todo = ancestors(path).length === 0 ? [] : path.split('/').slice(0, -1).reverse();
    let [at, original] = ['', ''];
    for (let hops = 0; todo.length > 0;) {
      const part = todo.pop()!;
      if (part === '..') {
        at = at.split('/').slice(0, -1).join('/');
        continue;
      }
      const next = at === '' ? part : `${at}/${part}`;
      original = hops === 0 ? next : '';
      const isOwn = original !== '' && this.own.has(original);
      const type = isOwn || this.isHidden(next) ? 'directory' : (this.view.get(next) ?? 'directory');
      const own = this.places.get(next);
      if (own !== undefined && own.kind !== 'directory' && own.kind !== 'opaque') return undefined;
      if (own === undefined && type.startsWith('->')) {
        if ((hops += 1) > 5) return undefined;
        const target = type.slice(2);
        if (target.startsWith('/')) at = '';
        todo = [
          ...todo,
          ...target
            .split('/')
            .filter((each) => each !== '')
            .reverse(),
        ];
        continue;
      }
      if (own === undefined && type !== 'directory') return undefined;
      at = next;
    }
    const name = path.slice(path.lastIndexOf('/') + 1);
    return at === '' ? name : `${at}/${name}`;
  }

  /** Whether one mark would hide the directory of another: tools disagree on whether there is one then. */
  private isNested(path: string): boolean {
    const place = this.placeOf(path) ?? path;
    const marks = [...this.places].flatMap(([each, { kind }]) => (kind === 'opaque' ? [each] : []));
    return this.isHidden(place) || marks.some((each) => each.startsWith(`${place}/`));
  }

  private isHidden(place: string): boolean {
    return ancestors(place).some((each) => this.places.get(each)?.kind === 'opaque');
  }

  private metadata(kind: Kind): Metadata {
    const { dice } = this;
    const xattrs: Record<string, Buffer> = {};
    const mayHave = kind === 'file' || kind === 'directory';
    if (mayHave && dice.chance(0.2)) xattrs['user.note'] = Buffer.from([dice.below(256), 0, 10]);
    if (kind === 'file' && dice.chance(0.1)) xattrs['security.capability'] = CAPABILITY;
    return {
      // In a directory with setgid, what unpacks makes directories that no layer describes with its group, as mkdir does.
      mode: dice.pick(MODES) & (kind === 'directory' ? 0o5777 : 0o7777),
      uid: dice.pick([0, 0, 1000, 65_534]),
      gid: dice.pick([0, 0, 5, 3_000_000]),
      mtime: 1_000_000_000 + dice.below(600_000_000),
      xattrs,
    };
  }
}

const LINKABLE: readonly Kind[] = ['file', 'fifo', 'char', 'symlink'];

function isMark(kind: Kind): boolean {
  return kind === 'whiteout' || kind === 'opaque';
}

function markOf(kind: Kind, path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return kind === 'opaque' ? `${path}/.wh..wh..opq` : `${path.slice(0, at)}.wh.${path.slice(at)}`;
}

function ancestors(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** A layer as an OCI archive. */
export function layerTar(members: readonly Member[]): Buffer {
  return tar(...members.flatMap((member) => (isMark(member.kind) ? [whiteout(member)] : header(member))));
}

function whiteout({ kind, path }: Member): Buffer {
  return entry({ name: markOf(kind, path), mode: 0 });
}

/** A layer as an archive in overlayfs' form, as mksquashfs takes it: opaque directories must be described. */
export function overlayArchive(members: readonly Member[]): Buffer {
  const opaque = new Set(members.flatMap(({ kind, path }) => (kind === 'opaque' ? [path] : [])));
  return tar(
    ...members.flatMap((member) => {
      if (member.kind === 'opaque') return [];
      if (member.kind === 'whiteout') return [entry({ name: member.path, type: '3', mode: 0 })];
      const mark = opaque.has(member.path) ? { 'user.overlay.opaque': Buffer.from('y') } : {};
      const { metadata } = member;
      return header({ ...member, metadata: { ...metadata, xattrs: { ...metadata.xattrs, ...mark } } });
    }),
  );
}

const TYPES = { file: '0', hardlink: '1', symlink: '2', char: '3', directory: '5', fifo: '6' } as const;

function header({ kind, path, metadata, content, target }: Member): Buffer[] {
  if (kind === 'whiteout' || kind === 'opaque') return [];
  const { xattrs, uid, gid, mode, mtime } = metadata;
  const name = path === '' ? './' : path;
  const fields = {
    name,
    type: TYPES[kind],
    mode,
    uid,
    gid,
    mtime,
    link: target,
    major: kind === 'char' ? 1 : 0,
    minor: kind === 'char' ? 3 : 0,
  };
  const records = Object.entries(xattrs).map(([key, value]): [string, Buffer] => [`SCHILY.xattr.${key}`, value]);
  const extended = records.length === 0 ? [] : [pax(Object.fromEntries(records))];
  if (kind === 'directory') return [...extended, dir(path === '' ? './' : `${path}/`, fields)];
  return [...extended, entry(fields, kind === 'file' ? content : '')];
}
