import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { App, StackError } from '../../lib';
import type { AppProps } from '../../lib';
import type { Plan, TreeFile } from '../../lib/plan';

const created: string[] = [];

/** A temporary directory with the given files; a path that ends in a slash is a directory. */
export function directoryWith(files: Readonly<Record<string, string>> = {}): string {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'stack-constructs-')));
  created.push(directory);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(directory, name);
    fs.mkdirSync(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith('/')) fs.writeFileSync(file, content);
  }
  return directory;
}

/** Removes all directories of {@link directoryWith}; for `afterEach`. */
export function removeDirectories(): void {
  for (const directory of created.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
}

/** An app in a temporary directory. */
export function appWith(files: Readonly<Record<string, string>> = {}, props: AppProps = {}): App {
  return new App({ directory: directoryWith(files), ...props });
}

/** The plan of an app as it is written, without the lines that created the images: those are tested on their own. */
export function planOf(app: App): Plan {
  const text = JSON.stringify(app.synth().plan, (key, value: unknown) =>
    key === 'source' && typeof value === 'string' ? undefined : value,
  );
  return JSON.parse(text) as Plan;
}

export function treeOf(app: App): TreeFile {
  return JSON.parse(fs.readFileSync(path.join(app.synth().directory, 'tree.json'), 'utf8')) as TreeFile;
}

/** What is wrong with an app: code, construct path, message and hint of each error. */
export function problemsOf(
  app: App,
): { code: string; path: string | undefined; message: string; hint: string | undefined }[] {
  try {
    app.synth();
  } catch (error) {
    if (!StackError.is(error)) throw error;
    return error.all().map(({ code, constructPath, message, hint }) => ({ code, path: constructPath, message, hint }));
  }
  throw new Error('the app has no problems');
}
