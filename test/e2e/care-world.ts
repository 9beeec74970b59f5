import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { addBase } from './on-busybox';
import { Project } from './installed';

/** Files, a script and both formats, in as little time as possible. */
const APP = `const { App, Layer } = require('cdk-stack');
const app = new App({ formats: ['tar', 'squashfs'] });
const base = new Layer(app, 'base', { from: 'tar:base.tar', buildOnly: true });
const files = new Layer(app, 'files', { from: base, imports: [{ source: 'in/', dest: '/in' }] });
new Layer(app, 'made', { from: files, run: 'rm /data/one; mkdir /made; cat /in/a /in/b > /made/c; sleep 0.1' });
`;

/** A small app with everything that the store keeps. */
export function smallProject(): Project {
  const memory = fs.existsSync('/dev/shm') ? '/dev/shm' : undefined; // where possible: every write is synced
  const project = Project.create(APP, { 'in/a': 'a'.repeat(100_000), 'in/b': 'b' }, memory);
  addBase(project);
  return project;
}

/** Asserts that a layout is as another one, and that every byte in it is right. */
export function expectLayout(project: Project, golden: string, name = 'oci'): void {
  const layout = project.layout(name);
  expect(layout.indexText).toBe(golden);
  expect(layout.blobs()).toEqual(layout.referenced());
  expect(fs.readdirSync(layout.directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  expectBlobs(path.join(layout.directory, 'blobs/sha256'));
}

/** Asserts that nothing in the store is half-written, left over or damaged. @param unused blobs that nothing asks for any more */
export function expectStore(directory: string, unused: ReadonlySet<string> = new Set()): void {
  const inStore = (name: string): string[] => fs.readdirSync(path.join(directory, 'v1', name));
  expect({ tmp: inStore('tmp'), runs: inStore('runs'), locks: inStore('locks') }).toEqual({
    tmp: [],
    runs: [],
    locks: [],
  });
  for (const tree of inStore('trees')) expect(inStore(`trees/${tree}`).sort()).toEqual(['complete', 'tree']);
  expectBlobs(path.join(directory, 'v1/blobs/sha256'), unused);
}

function expectBlobs(directory: string, unused: ReadonlySet<string> = new Set()): void {
  const names = fs.readdirSync(directory).filter((name) => !unused.has(name));
  for (const name of names) expect(hashOf(path.join(directory, name))).toBe(name);
}

function hashOf(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/** Asserts that nothing of the system still has to do with a directory: no process, mount or loop device. */
export async function expectNothingLeft(directory: string): Promise<void> {
  const deadline = Date.now() + 10_000; // an app that ran when the command was killed still comes to its end
  while (processesOf(directory).length > 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(processesOf(directory)).toEqual([]);
  expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(directory);
  for (const name of fs.readdirSync('/sys/block').filter((each) => each.startsWith('loop'))) {
    expect(readOrNothing(`/sys/block/${name}/loop/backing_file`)).not.toContain(directory);
  }
}

/** Processes that were started in a directory, have it in their environment or arguments, or stand in it. */
function processesOf(directory: string): string[] {
  return fs.readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const texts = ['cmdline', 'environ', 'mountinfo'].map((name) => readOrNothing(`/proc/${pid}/${name}`));
    return texts.some((text) => text.includes(directory)) ? [`${pid}: ${texts[0]?.replaceAll('\0', ' ') ?? ''}`] : [];
  });
}

function readOrNothing(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // ended, or not attached
  }
}
