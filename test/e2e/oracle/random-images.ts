import type { Random } from './random';
import type { TarEntry } from './tiny-tar';

/** What is at a path of a generated file system. */
export type Node = { readonly mode: number; readonly uid: number; readonly gid: number } & (
  | { readonly type: 'file'; readonly size: number }
  | { readonly type: 'directory' }
  | { readonly type: 'symlink'; readonly target: string }
);
export type Tree = ReadonlyMap<string, Node>;

const ROOT = { uid: 0, gid: 0 };
const directory = (mode = 0o755): Node => ({ type: 'directory', mode, ...ROOT });
const link = (target: string): Node => ({ type: 'symlink', mode: 0o777, target, ...ROOT });
const NAMES = ['a', 'b', 'c', 'd', 'e'];
const FILE_MODES = [0o644, 0o644, 0o755, 0o600, 0o640, 0o4755, 0o666];
const DIRECTORY_MODES = [0o755, 0o755, 0o700, 0o750, 0o711, 0o1777, 0o777];
const OWNERS = [0, 0, 0, 5];

/** The entries of a layer between a base and an image on it. */
export type RandomLayer = readonly TarEntry[];

/** Changes a tree step by step, as scripts in containers do: only what exists is changed, and links are not followed. */
class Mutator {
  public readonly tree: Map<string, Node>;
  /** Directories that were removed and made again. */
  public readonly again = new Set<string>();

  public constructor(
    tree: Tree,
    private readonly random: Random,
  ) {
    this.tree = new Map(tree);
  }

  public step(): void {
    const { random } = this;
    const steps = [
      () => {
        this.write();
      },
      () => {
        this.write();
      },
      () => {
        this.makeDirectory();
      },
      () => {
        this.remove();
      },
      () => {
        this.change();
      },
      () => {
        this.change();
      },
      () => {
        this.relink();
      },
      () => {
        this.replaceType();
      },
      () => {
        this.makeAgain();
      },
    ];
    random.pick(steps)();
  }

  private directories(): string[] {
    return ['', ...[...this.tree].flatMap(([path, node]) => (node.type === 'directory' ? [path] : []))];
  }

  private somewhere(): string {
    const parent = this.random.pick(this.directories().filter((each) => each.split('/').length < 4));
    return parent === '' ? this.random.pick(NAMES) : `${parent}/${this.random.pick(NAMES)}`;
  }

  private anything(): string | undefined {
    return this.tree.size === 0 ? undefined : this.random.pick([...this.tree.keys()]);
  }

  private write(): void {
    const path = this.random.chance(50) ? this.somewhere() : (this.anything() ?? 'a');
    const known = this.tree.get(path);
    if (known?.type === 'directory' || known?.type === 'symlink') return;
    const size = 1 + this.random.below(40);
    this.tree.set(path, known === undefined ? this.newFile(size) : { ...known, size });
  }

  private newFile(size: number): Node {
    return { type: 'file', size, mode: this.random.pick(FILE_MODES), uid: this.random.pick(OWNERS), gid: 0 };
  }

  private makeDirectory(): void {
    const path = this.somewhere();
    if (!this.tree.has(path)) this.tree.set(path, directory(this.random.pick(DIRECTORY_MODES)));
  }

  private remove(path = this.anything()): void {
    if (path === undefined) return;
    for (const each of [...this.tree.keys()]) if (each === path || each.startsWith(`${path}/`)) this.tree.delete(each);
  }

  private change(): void {
    const path = this.anything();
    const node = path === undefined ? undefined : this.tree.get(path);
    if (path === undefined || node === undefined || node.type === 'symlink') return;
    const modes = node.type === 'file' ? FILE_MODES : DIRECTORY_MODES;
    if (this.random.chance(70)) this.tree.set(path, { ...node, mode: this.random.pick(modes) });
    else this.tree.set(path, { ...node, uid: this.random.pick(OWNERS), gid: this.random.pick(OWNERS) });
  }

  private relink(): void {
    const links = [...this.tree].flatMap(([path, { type }]) => (type === 'symlink' ? [path] : []));
    const path = links.length > 0 && this.random.chance(60) ? this.random.pick(links) : this.somewhere();
    const type = this.tree.get(path)?.type;
    if (type === undefined || type === 'symlink')
      this.tree.set(path, link(this.random.pick(['usr/lib', 'b', '/srv/1', '../usr', 'none'])));
  }

  private replaceType(): void {
    const path = this.anything();
    const type = path === undefined ? undefined : this.tree.get(path)?.type;
    if (path === undefined || type === undefined) return;
    this.remove(path);
    if (type === 'directory') this.tree.set(path, this.random.chance(50) ? link('usr/lib') : this.newFile(9));
    else this.tree.set(path, directory());
  }

  private makeAgain(): void {
    const path = this.random.pick(this.directories());
    if (path === '') return;
    const node = this.tree.get(path) ?? directory();
    this.remove(path);
    this.tree.set(path, node);
    this.again.add(path);
    if (this.random.chance(60)) this.tree.set(`${path}/${this.random.pick(NAMES)}`, this.newFile(7));
  }
}

/** A base like that of a distribution, with things of its own. */
export function randomBase(random: Random): Tree {
  const tree = new Map<string, Node>([
    ['lib', link('usr/lib')],
    ['root', directory(0o700)],
    ['srv', directory()],
    ['srv/1', directory()],
    ['srv/now', link('1')],
    ['tmp', directory(0o1777)],
    ['usr', directory()],
    ['usr/lib', directory()],
    ['usr/lib/a', { type: 'file', size: 50, mode: 0o644, ...ROOT }],
  ]);
  const mutator = new Mutator(tree, random);
  for (let left = 4 + random.below(10); left > 0; left -= 1) mutator.step();
  return mutator.tree;
}

/** A tree on top of another one, and the layers that lead to it. */
export function randomChange(
  base: Tree,
  random: Random,
): { readonly tree: Tree; readonly layers: readonly RandomLayer[] } {
  let before = base;
  const layers: RandomLayer[] = [];
  for (let left = random.chance(25) ? 2 : 1; left > 0; left -= 1) {
    const mutator = new Mutator(before, random);
    for (let steps = 1 + random.below(4); steps > 0; steps -= 1) mutator.step();
    layers.push(layerOf(before, mutator, random));
    before = mutator.tree;
  }
  return { tree: before, layers };
}

/** What leads from one tree to another, as several tools write it. */
function layerOf(before: Tree, { tree: after, again }: Mutator, random: Random): RandomLayer {
  const entries = new Map<string, TarEntry>();
  const add = (path: string): void => {
    const node = after.get(path);
    if (node !== undefined) entries.set(path, { ...node, path });
  };
  const opaque = [...again].filter((path) => after.get(path)?.type === 'directory');
  const isHidden = (path: string): boolean => opaque.some((each) => path.startsWith(`${each}/`));
  for (const [path, node] of after) {
    if (isHidden(path) || JSON.stringify(before.get(path)) !== JSON.stringify(node)) add(path);
  }
  for (const path of opaque) {
    add(path);
    mark(entries, `${path}/.wh..wh..opq`);
  }
  for (const path of before.keys()) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const isParentThere =
      parent === '' || (before.get(parent)?.type === 'directory' && after.get(parent)?.type === 'directory');
    if (!after.has(path) && isParentThere && !isHidden(path))
      mark(entries, `${parent === '' ? '' : `${parent}/`}.wh.${path.slice(path.lastIndexOf('/') + 1)}`);
  }
  // Stale copies of what the layer has not changed, and overlayfs's marks of directories that hide nothing.
  if (random.chance(25)) for (const path of after.keys()) if (random.chance(30)) add(path);
  if (random.chance(20))
    for (const [path, { type }] of after)
      if (type === 'directory' && !before.has(path)) mark(entries, `${path}/.wh..wh..opq`);
  for (const path of [...entries.keys()]) for (const parent of parentsOf(path)) add(parent);
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function mark(entries: Map<string, TarEntry>, path: string): void {
  entries.set(path, { type: 'file', path, size: 0, mode: 0o644, ...ROOT });
}

export function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** A whole tree as a layer. */
export function layerOfTree(tree: Tree): readonly TarEntry[] {
  return [...tree].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, node]) => ({ ...node, path }));
}
