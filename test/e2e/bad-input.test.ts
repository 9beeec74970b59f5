import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project } from './installed';
import { Mounts } from './mounts';

interface BadInput {
  readonly what: string;
  readonly app?: string;
  readonly config?: string;
  /** Prepares files in the app's directory. */
  readonly prepare?: (project: Project) => void;
  readonly args?: readonly string[];
  readonly status: number;
  readonly code: string;
  /** What the message must name. */
  readonly says: RegExp;
}

const HEAD = "const { App, Layer, StackedImage, ImageSource } = require('cdk-stack');\nconst app = new App();\n";

/** One layer whose properties are given. */
function layer(props: string, id = 'x'): string {
  return `${HEAD}new Layer(app, '${id}', ${props});\n`;
}

/** A rootfs tar with GNU tar; entries are given by a script that runs in an empty directory. */
function makeTar(project: Project, script: string, ...args: string[]): void {
  const tree = project.path('tree');
  fs.mkdirSync(tree);
  execFileSync('sh', ['-ec', script], { cwd: tree });
  execFileSync('tar', ['-cf', project.path('root.tar'), '-C', tree, ...args]);
}

/** A tar of headers alone, for what GNU tar refuses to write. */
function tarOf(
  ...entries: readonly { readonly name: string; readonly type: string; readonly link?: string }[]
): Buffer {
  const blocks = entries.map(({ name, type, link = '' }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0' + '0000000\0' + '0000000\0' + '00000000000\0' + '00000000000\0', 100);
    header.write(type, 156);
    header.write(link, 157);
    header.write('ustar\x0000', 257);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return header;
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const FROM_TAR = layer("{ from: ImageSource.tar('root.tar') }");

const CASES: readonly BadInput[] = [
  {
    what: 'an unknown property in cdk-stack.json',
    config: '{ "app": "node app.js", "outptu": "x" }',
    status: 2,
    code: 'STACK1003',
    says: /outptu[\s\S]*output/,
  },
  {
    what: 'a cdk-stack.json that is not JSON',
    config: '{ "app": ',
    status: 2,
    code: 'STACK1002|STACK1003',
    says: /cdk-stack\.json/,
  },
  {
    what: 'an app that throws',
    app: `${HEAD}throw new Error('no luck today');\n`,
    status: 4,
    code: 'STACK2001',
    says: /no luck today/,
  },
  { what: 'an app that creates nothing', app: HEAD, status: 4, code: 'STACK2002', says: /no image/ },
  {
    what: 'an app that does not synthesize',
    app: "console.log('hello');\n",
    status: 4,
    code: 'STACK2011',
    says: /App/,
  },
  {
    what: 'duplicate image names',
    app: `${HEAD}new Layer(app, 'a', { imageName: 'same' });\nnew Layer(app, 'b', { imageName: 'same' });\n`,
    status: 4,
    code: 'STACK2003',
    says: /same/,
  },
  { what: 'an uppercase name', app: layer('{}', 'Kernel'), status: 4, code: 'STACK2004', says: /Kernel[\s\S]*kernel/ },
  { what: "a name with ':'", app: layer("{ imageName: 'a:b' }"), status: 4, code: 'STACK2004', says: /a:b/ },
  {
    what: 'a name no registry accepts',
    app: layer("{ imageName: '-a..b' }"),
    status: 4,
    code: 'STACK2004',
    says: /-a\.\.b/,
  },
  {
    what: 'a cycle',
    app: `${HEAD}const parts = [];\nconst s = new StackedImage(app, 's', parts);\nconst t = new StackedImage(app, 't', [s]);\nparts.push(t);\n`,
    status: 4,
    code: 'STACK2005',
    says: /s -> t -> s|t -> s -> t/,
  },
  {
    what: 'a missing import',
    app: layer("{ imports: [{ source: 'fille', dest: '/f' }] }"),
    prepare: (p) => p.write({ file: 'x' }),
    status: 4,
    code: 'STACK2007',
    says: /fille[\s\S]*file/,
  },
  {
    what: 'a relative dest',
    app: layer("{ imports: [{ source: 'file', dest: 'f' }] }"),
    prepare: (p) => p.write({ file: 'x' }),
    status: 4,
    code: 'STACK2008',
    says: /'f'/,
  },
  {
    what: 'a wrong sha256',
    app: layer(`{ imports: [{ source: 'file', dest: '/f', sha256: '${'0'.repeat(64)}' }] }`),
    prepare: (p) => p.write({ file: 'x' }),
    status: 1,
    code: 'STACK3001',
    says: /file.*2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881/,
  },
  {
    what: 'a wrong sha256 of a tar',
    app: layer(`{ from: ImageSource.tar('root.tar', { sha256: '${'0'.repeat(64)}' }) }`),
    prepare: (p) => makeTar(p, 'echo x >f', 'f'),
    status: 1,
    code: 'STACK3001',
    says: /root\.tar/,
  },
  {
    what: 'a corrupt tar',
    app: FROM_TAR,
    prepare: (p) => p.write({ 'root.tar': Buffer.alloc(4096, 'garbage ') }),
    status: 1,
    code: 'STACK4001',
    says: /root\.tar/,
  },
  {
    what: 'a truncated tar',
    app: FROM_TAR,
    prepare: (p) => {
      makeTar(p, 'head -c 100000 /dev/urandom >f', 'f');
      fs.truncateSync(p.path('root.tar'), 60_000);
    },
    status: 1,
    code: 'STACK4001',
    says: /root\.tar/,
  },
  ...(['gzip', 'zstd', 'xz'] as const).map((tool): BadInput => ({
    what: `a truncated ${tool} tar`,
    app: FROM_TAR,
    prepare: (p) => {
      makeTar(p, 'head -c 300000 /dev/urandom >f', 'f');
      const compressed = execFileSync(tool, ['-c', p.path('root.tar')], { maxBuffer: 1e9 });
      fs.writeFileSync(p.path('root.tar'), compressed.subarray(0, 200_000));
    },
    status: 1,
    code: 'STACK4001',
    says: /root\.tar/,
  })),
  {
    what: "a tar with '..' paths",
    app: FROM_TAR,
    prepare: (p) => p.write({ 'root.tar': tarOf({ name: 'a/../../b', type: '0' }) }),
    status: 1,
    code: 'STACK4002',
    says: /a\/\.\.\/\.\.\/b/,
  },
  {
    what: 'a tar with an entry through an absolute symlink',
    app: FROM_TAR,
    prepare: (p) =>
      p.write({ 'root.tar': tarOf({ name: 'out', type: '2', link: '/etc' }, { name: 'out/passwd', type: '0' }) }),
    status: 1,
    code: 'STACK4002',
    says: /out\/passwd/,
  },
  {
    what: 'a tar with an entry through a climbing symlink',
    app: FROM_TAR,
    prepare: (p) =>
      p.write({ 'root.tar': tarOf({ name: 'out', type: '2', link: '../../etc' }, { name: 'out/passwd', type: '0' }) }),
    status: 1,
    code: 'STACK4002',
    says: /out\/passwd/,
  },
  {
    what: 'a tar with a hard link out of it',
    app: FROM_TAR,
    prepare: (p) => p.write({ 'root.tar': tarOf({ name: 'link', type: '1', link: '../../etc/passwd' }) }),
    status: 1,
    code: 'STACK4002',
    says: /etc\/passwd/,
  },
  {
    what: 'an output directory in the place of a file',
    app: layer('{}'),
    prepare: (p) => p.write({ file: 'x' }),
    args: ['--to', 'oci:file/oci'],
    status: 1,
    code: 'STACK6003',
    says: /file\/oci/,
  },
  {
    what: 'an output directory that holds something else',
    app: layer('{}'),
    prepare: (p) => p.write({ 'home/letter': 'x' }),
    args: ['--to', 'oci:home'],
    status: 1,
    code: 'STACK6001',
    says: /home/,
  },
  {
    what: 'an unknown image',
    app: layer('{}', 'kernel'),
    args: ['kernal'],
    status: 6,
    code: 'STACK1004',
    says: /kernal[\s\S]*kernel/,
  },
  {
    what: 'an unknown option',
    app: layer('{}'),
    args: ['--fromat', 'tar'],
    status: 2,
    code: 'STACK1001',
    says: /--format/,
  },
  { what: 'an unknown format', app: layer('{}'), args: ['--format', 'zip'], status: 2, code: 'STACK1001', says: /zip/ },
  {
    what: 'a target that is none',
    app: layer('{}'),
    args: ['--to', 'nowhere'],
    status: 2,
    code: 'STACK1006',
    says: /nowhere/,
  },
  {
    what: 'a tag no registry accepts',
    app: layer('{}'),
    args: ['--tag', 'a b'],
    status: 2,
    code: 'STACK1001',
    says: /a b/,
  },
];

describe('stack deploy of something that cannot work', () => {
  it.each(CASES)(
    'says in one error what is wrong with $what',
    ({ app = layer('{}'), config, prepare, args = [], status, code, says }) => {
      const project = Project.create(app, config === undefined ? {} : { 'cdk-stack.json': config });
      try {
        prepare?.(project);
        const { status: actual, stdout, stderr } = project.stack(['deploy', ...args]);
        expect(stderr).toMatch(new RegExp(`error (${code}): `));
        expect(stderr).toMatch(says);
        expect(stderr.match(/^error STACK/gm)).toHaveLength(1);
        expect(stdout).toBe('');
        expect(actual).toBe(status);
        expect(stderr.slice(stderr.indexOf('error STACK'))).not.toMatch(/\n +at .*:\d+:\d+\)/); // no traces
        expect(fs.existsSync(project.path('oci'))).toBe(false);
        expect(fs.existsSync(project.path('cdk-stack.lock.json'))).toBe(false);
      } finally {
        project.remove();
      }
    },
  );

  it('prints the error as JSON on stdout with --json', () => {
    const project = Project.create(layer("{ imageName: 'a:b' }"));
    try {
      const { status, stdout } = project.stack(['deploy', '--json']);
      expect(status).toBe(4);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'STACK2004', path: 'x', source: expect.stringMatching(/^app\.js:3:/) as string },
      });
    } finally {
      project.remove();
    }
  });

  it('keeps absolute symbolic links as ordinary content', () => {
    const project = Project.create(FROM_TAR);
    try {
      makeTar(project, 'ln -s /etc/passwd link; mkdir d; ln -s /d d/self', 'link', 'd');
      expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
      const [blob] = project.layout().manifest('x').layers;
      const listed = execFileSync('tar', ['--zstd', '-tvf', project.layout().blob(blob!.digest)], { encoding: 'utf8' });
      expect(listed).toContain('link -> /etc/passwd');
      expect(listed).toContain('d/self -> /d');
    } finally {
      project.remove();
    }
  });
});

describe('stack deploy on a full disk', () => {
  let mounts: Mounts;

  beforeEach(() => {
    mounts = new Mounts();
  });

  afterEach(() => {
    mounts.end();
  });

  const big = layer("{ imports: [{ source: 'big', dest: '/big' }] }");

  function prepared(): Project {
    const project = Project.create(big);
    const made = spawnSync('head', ['-c', '8000000', '/dev/urandom'], { maxBuffer: 1e8 }).stdout;
    project.write({ big: made });
    return project;
  }

  it('reports a full store and leaves nothing half-written in it', () => {
    const project = prepared();
    try {
      const disk = mounts.disk('1m');
      const { status, stderr } = project.stack(['deploy'], { env: { STACK_HOME: disk } });
      expect(stderr).toMatch(/error STACK7002: no space left/);
      expect(status).toBe(1);
      expect(fs.readdirSync(path.join(disk, 'v1/blobs/sha256'))).toEqual([]);
      expect(fs.readdirSync(path.join(disk, 'v1/tmp'))).toEqual([]);
      expect(fs.existsSync(project.path('oci'))).toBe(false);
    } finally {
      project.remove();
    }
  });

  it('reports a full target, which then reads as before', () => {
    const project = prepared();
    try {
      const target = path.join(mounts.disk('1m'), 'oci');
      const { status, stderr } = project.stack(['deploy', '--to', `oci:${target}`]);
      expect(stderr).toMatch(/error STACK7002: no space left/);
      expect(status).toBe(1);
      expect(fs.existsSync(path.join(target, 'index.json'))).toBe(false);
      expect(fs.readdirSync(path.join(target, 'blobs/sha256'))).toEqual([]);
    } finally {
      project.remove();
    }
  });
});
