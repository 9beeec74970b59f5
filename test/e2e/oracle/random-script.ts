import type { Random } from './random';

/** What names consist of is no matter of chance: the same ones must meet often. */
const NAMES = ['a', 'b', 'c', 'd e', 'ü', '-f', '.h', 'A'];
const MODES = ['600', '644', '755', '400', '1777', '700'];
const PRIVILEGED = ['4755', '2711'];
const OWNERS = ['0:0', '1:1', '0:60000', '65534:7'];
/** The epoch of builds among them. */
const TIMES = ['315532800', '1000000000', '1234567890', '86400'];
const VALUES = ['1', 'two', '0x00ff0a3d'];
const CAPABILITY = '0x0100000200200000000000000000000000000000';

type Kind = 'directory' | 'file' | 'link';

/** What a tree looks like, roughly: where a script fails somewhere, it is not what was thought. */
type Sketch = Map<string, Kind>;

/** Makes scripts for a shell in which GNU's tools are in /tools and busybox is the rest. */
export class RandomScripts {
  /**
   * @param dependsOnUser does also what the kernel does differently in a user namespace. Writing to a setuid or setgid file takes the
   *   bit away there. Files of the base get other names: where the overlay is mounted in a user namespace, Linux shows the new name of such
   *   a file with another inode number than the old one until the next mount (its overlayfs has no file handles there), so that
   *   the script itself, with `cp -a` or tar, takes the two for files of their own: results then differ between users by right.
   */
  public constructor(
    private readonly random: Random,
    private readonly dependsOnUser = true,
  ) {}

  /** A tree to begin with. @param top its directory */
  public grow(top: string): { readonly script: string; readonly sketch: Sketch } {
    const sketch: Sketch = new Map([[top, 'directory']]);
    const lines = [`mkdir -p ${quote(top)}`];
    for (let count = 12 + this.random.below(15); count > 0; count -= 1) lines.push(this.add(sketch));
    if (this.random.chance(33)) lines.push(this.deepChain(sketch, top));
    if (this.random.chance(33)) lines.push(this.wideDirectory(sketch, top));
    for (let count = this.random.below(12); count > 0; count -= 1) lines.push(this.changeMetadata(sketch));
    return { script: lines.map(tolerant).join('\n'), sketch };
  }

  /** Changes a tree, and its sketch. */
  public change(sketch: Sketch): string {
    const lines: string[] = [];
    for (let count = 3 + this.random.below(14); count > 0; count -= 1) lines.push(this.step(sketch));
    return lines.map(tolerant).join('\n');
  }

  private step(sketch: Sketch): string {
    const steps: readonly ((sketch: Sketch) => string)[] = [
      (each) => this.add(each),
      (each) => this.add(each),
      (each) => this.changeMetadata(each),
      (each) => this.changeMetadata(each),
      (each) => this.remove(each),
      (each) => this.makeAgain(each),
      (each) => this.makeAgain(each),
      (each) => this.makeAgain(each),
      (each) => this.makePartlyAgain(each),
      (each) => this.moveAwayAndBack(each),
      (each) => this.move(each),
      (each) => this.move(each),
      (each) => this.copy(each),
      (each) => this.copy(each),
      (each) => this.changeType(each),
      (each) => this.changeType(each),
      (each) => this.changeLinks(each),
      (each) => this.write(each),
    ];
    return this.random.pick(steps)(sketch);
  }

  private add(sketch: Sketch): string {
    const path = this.newPath(sketch);
    const file = this.some(sketch, 'file');
    switch (this.random.below(file === undefined ? 6 : 8)) {
      case 0:
      case 1:
        sketch.set(path, 'directory');
        return `mkdir ${quote(path)}`;
      case 2:
        sketch.set(path, 'link');
        return `ln -s ${quote(this.linkTarget(sketch))} ${quote(path)}`;
      case 3:
        sketch.set(path, 'link');
        return `mkfifo ${quote(path)}`;
      case 6:
      case 7:
        sketch.set(path, 'file');
        return `${this.owned(quote(file ?? ''))}ln ${quote(file ?? '')} ${quote(path)}`;
      default:
        sketch.set(path, 'file');
        return this.writing(quote(path));
    }
  }

  private write(sketch: Sketch): string {
    const file = quote(this.some(sketch, 'file') ?? this.newPath(sketch));
    const command = this.random.pick([
      `echo more >> ${file}`,
      `${this.content('other')} > ${file}`,
      `true >> ${file}`,
      `dd if=/dev/zero of=${file} bs=1 seek=70000 count=1`,
    ]);
    return `[ -p ${file} ] || ${command}`; // a pipe would be waited for
  }

  /** @param place quoted */
  private writing(place: string): string {
    return `[ -p ${place} ] || ${this.content(place.slice(1, -1))} > ${place}`;
  }

  private changeMetadata(sketch: Sketch): string {
    const path = quote(this.any(sketch));
    const time = this.random.pick(TIMES);
    return this.random.pick([
      `chmod ${this.random.pick(this.dependsOnUser ? [...MODES, ...PRIVILEGED] : MODES)} ${path}`,
      `chown -h ${this.random.pick(OWNERS)} ${path}`,
      `touch -h -d @${time} ${path}`,
      `touch -h -d @${time} ${path}`,
      `touch ${path}`,
      `chmod -R u+rw ${path}`,
      `chown -R -h 0:0 ${path}`,
      `find ${path} -exec touch -h -d @${time} {} +`,
      `setfattr -n user.${this.random.pick(['x', 'y'])} -v ${this.random.pick(VALUES)} ${path}`,
      `setfattr -x user.x ${path}`,
      `setfattr -n security.capability -v ${CAPABILITY} ${path}`,
    ]);
  }

  private remove(sketch: Sketch): string {
    const path = this.any(sketch);
    if (this.random.chance(25)) {
      this.forget(sketch, path, false);
      return `find ${quote(path)} -mindepth 1 -delete`;
    }
    this.forget(sketch, path, true);
    return `rm -rf ${quote(path)}`;
  }

  /** What packages do that are installed once more. */
  private makeAgain(sketch: Sketch): string {
    const path = this.some(sketch, 'directory') ?? this.any(sketch);
    const [place, other] = [quote(path), quote(`${path}.new`)];
    return this.random.pick([
      `${this.copyTool()} ${place} ${other}; rm -rf ${place}; mv ${other} ${place}`,
      `${this.copyTool()} ${place} ${other}; rm -rf ${place}; ${this.copyTool()} ${other} ${place}; rm -rf ${other}`,
      `tar -C ${place} -cf /run/again.tar . && rm -rf ${place} && mkdir ${place} && tar -C ${place} -xpf /run/again.tar`,
      `cp -r ${place} ${other}; rm -rf ${place}; mv ${other} ${place}`,
      `cp -r ${place} ${other} && find ${place} -mindepth 1 -delete; cp -r ${other}/. ${place}/; rm -rf ${other}`,
      `${this.copyTool()} ${place} ${other}; rm -rf ${place}; mkdir ${place}; cp -al ${other}/. ${place}/; rm -rf ${other}`,
    ]);
  }

  private makePartlyAgain(sketch: Sketch): string {
    const path = this.some(sketch, 'directory') ?? this.any(sketch);
    const inside = [...sketch.keys()].filter((each) => each.startsWith(`${path}/`));
    const kept = inside.filter(() => this.random.chance(50));
    const gone = new Set(inside.filter((each) => !kept.includes(each)));
    for (const each of gone) this.forget(sketch, each, true);
    const [place, other] = [quote(path), quote(`${path}.new`)];
    const restore = kept.map((each) => {
      const [from, to] = [`${path}.new${each.slice(path.length)}`, each].map(quote);
      return `{ ${this.copyTool()} ${from ?? ''} ${to ?? ''} || :; }`;
    });
    return [`mv ${place} ${other}`, `mkdir ${place}`, ...restore, `rm -rf ${other}`].join('; ');
  }

  private moveAwayAndBack(sketch: Sketch): string {
    const path = this.any(sketch);
    const other = quote(`${path}.away`);
    return `mv ${quote(path)} ${other}; mv ${other} ${quote(path)}`;
  }

  private move(sketch: Sketch): string {
    const from = this.any(sketch);
    const to = this.random.chance(33) ? this.any(sketch) : this.newPath(sketch);
    if (to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) return this.changeMetadata(sketch);
    const clear = this.random.chance(50) ? `rm -rf ${quote(to)}; ` : '';
    for (const [path, kind] of [...sketch]) {
      if (path === from || path.startsWith(`${from}/`)) sketch.set(to + path.slice(from.length), kind);
    }
    this.forget(sketch, from, true);
    return `${clear}mv -T ${quote(from)} ${quote(to)}`;
  }

  private copy(sketch: Sketch): string {
    const from = this.any(sketch);
    const to = this.random.chance(25) ? this.any(sketch) : this.newPath(sketch);
    if (to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) return this.changeMetadata(sketch);
    for (const [path, kind] of [...sketch]) {
      if (path === from || path.startsWith(`${from}/`)) sketch.set(to + path.slice(from.length), kind);
    }
    // One that copies onto a pipe would wait for its reader.
    const links = this.dependsOnUser ? 'cp -al -T' : 'cp -a -T';
    return `timeout -s KILL 2 ${this.random.pick(['cp -a -T', 'cp -r -T', links, 'cp -a -T'])} ${quote(from)} ${quote(to)}`;
  }

  private changeType(sketch: Sketch): string {
    const path = this.any(sketch);
    this.forget(sketch, path, true);
    const place = quote(path);
    const [kind, command] = this.random.pick<readonly [Kind, string]>([
      ['directory', `mkdir ${place}`],
      ['directory', `mkdir -p ${place}/a/b; ${this.content('in')} > ${place}/a/c`],
      ['file', `${this.content(path)} > ${place}`],
      ['link', `ln -s ${quote(this.linkTarget(sketch))} ${place}`],
      ['link', `mkfifo ${place}`],
    ]);
    sketch.set(path, kind);
    return `rm -rf ${place}; ${command}`;
  }

  /** Takes apart and puts together names of files. */
  private changeLinks(sketch: Sketch): string {
    const [file = '', other = ''] = [this.some(sketch, 'file'), this.some(sketch, 'file')].map((each) =>
      quote(each ?? '/none'),
    );
    return this.random.pick([
      `cp -a ${file} ${file}.new; mv ${file}.new ${file}`,
      `${this.owned(file)}ln -f ${file} ${other}`,
      `${this.owned(file)}ln ${file} ${file}.new; mv -f ${file}.new ${other}`,
      `rm ${other}; ${this.owned(file)}ln ${file} ${other}`,
    ]);
  }

  /** Makes a file the script's own before it is linked, where files of the base are not. @param file quoted */
  private owned(file: string): string {
    return this.dependsOnUser ? '' : `cp -a ${file} ${file}.own; mv -T ${file}.own ${file}; `;
  }

  private deepChain(sketch: Sketch, top: string): string {
    const path = `${top}/deep${'/n'.repeat(12)}`;
    sketch.set(`${top}/deep`, 'directory');
    sketch.set(`${path}/f`, 'file');
    return `mkdir -p ${path}; echo deep > ${path}/f`;
  }

  private wideDirectory(sketch: Sketch, top: string): string {
    sketch.set(`${top}/wide`, 'directory');
    for (const each of ['7', '13', '77']) sketch.set(`${top}/wide/${each}`, 'file');
    return `mkdir ${top}/wide; for n in $(seq 80); do echo $n > ${top}/wide/$n; done`;
  }

  /** Of a file made at a path; often equal to what is there already. */
  private content(path: string): string {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return this.random.pick([`echo ${quote(name)}`, `echo ${quote(name)}`, 'printf ""', 'echo same', 'seq 20000']);
  }

  private linkTarget(sketch: Sketch): string {
    return this.random.pick([this.any(sketch), this.random.pick(NAMES), `../${this.random.pick(NAMES)}`, '/nowhere']);
  }

  private copyTool(): string {
    return this.random.pick(['cp -a', 'cp -a', 'busybox cp -a']);
  }

  private newPath(sketch: Sketch): string {
    const parent = this.some(sketch, 'directory') ?? this.any(sketch);
    return `${parent}/${this.random.pick(NAMES)}`;
  }

  private any(sketch: Sketch): string {
    return this.random.pick([...sketch.keys()]);
  }

  private some(sketch: Sketch, kind: Kind): string | undefined {
    const paths = [...sketch].filter(([, each]) => each === kind).map(([path]) => path);
    return paths.length === 0 ? undefined : this.random.pick(paths);
  }

  /** The tree's own directory stays in the sketch, so that something is left to be done. */
  private forget(sketch: Sketch, path: string, itself: boolean): void {
    for (const each of [...sketch.keys()]) {
      const isTop = each.split('/').length === 2;
      if ((itself && each === path && !isTop) || each.startsWith(`${path}/`)) sketch.delete(each);
    }
  }
}

/** A line whose failure is none of the script's. */
function tolerant(line: string): string {
  return `{ ${line}; } 2> /dev/null || :`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
