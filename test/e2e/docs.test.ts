import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { writeBusyboxTar } from './busybox';
import { Project } from './installed';
import { toJavaScript } from './javascript';

const ROOT = path.resolve(__dirname, '../..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...fs.readdirSync(path.join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

interface Block {
  readonly page: string;
  readonly line: number;
  readonly code: string;
}

function blocks(language: string): Block[] {
  return PAGES.flatMap((page) => {
    const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
    const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
    return [...text.matchAll(fence)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length,
      code: match[1] ?? '',
    }));
  });
}

/** JavaScript of the docs that says in its first line which file it is. */
function modules(): Readonly<Record<string, string>> {
  const named = blocks('js').flatMap(({ code }) => {
    const name = /^\/\/ (\S+\.js)\n/.exec(code)?.[1];
    return name === undefined ? [] : [[name, code] as const];
  });
  return Object.fromEntries(named);
}

/** What the examples of the docs use; the root filesystem is busybox. */
function prepare(project: Project): void {
  project.write({
    'tools/start': '#!/bin/sh\n',
    'runtime/lib': 'x',
    'service/run': '#!/bin/sh\n',
    'service/README.md': 'x',
    'web-motd': 'web\n',
    'mail-motd': 'mail\n',
    ...modules(),
  });
  writeBusyboxTar(project.path('rootfs.tar'), { files: {} });
}

describe('the examples in the docs', () => {
  it.each(blocks('ts'))(
    'deploy: $page:$line',
    ({ code }) => {
      const project = Project.create(toJavaScript(code));
      try {
        prepare(project);
        expect(project.stack(['deploy', '--format', 'tar', '--format', 'squashfs'])).toMatchObject({ status: 0 });
        const layout = project.layout();
        expect(layout.names().length).toBeGreaterThan(0);
        expect(layout.blobs()).toEqual(layout.referenced());
      } finally {
        project.remove();
      }
    },
    120_000,
  );

  it('type-check', () => {
    const directory = fs.mkdtempSync(path.join(ROOT, 'test', '.docs-'));
    try {
      const files = blocks('ts').map(({ code }, position) => {
        const file = path.join(directory, `example-${String(position)}.ts`);
        fs.writeFileSync(file, code);
        return file;
      });
      const tsconfig = { extends: '../../tsconfig.json', files, include: [] };
      fs.writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
      execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', directory], { encoding: 'utf8' });
    } finally {
      fs.rmSync(directory, { recursive: true, force: true });
    }
  }, 120_000);

  it.each(blocks('json'))('are valid JSON: $page:$line', ({ code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow();
  });

  it.each(blocks('console'))('use commands that exist: $page:$line', ({ code }) => {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const help = execFileSync(process.execPath, [path.join(ROOT, 'bin/stack'), '--help'], { encoding: 'utf8' });
    for (const line of code.split('\n').filter((each) => each.startsWith('$ '))) {
      for (const [, script] of line.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
      for (const [, verb] of line.matchAll(/npx stack (\w+)/g))
        expect(help).toMatch(new RegExp(`^  ${verb ?? ''}\\b`, 'm'));
    }
    expect(code).toMatch(/^\$ /);
  });
});
