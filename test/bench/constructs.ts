import * as fs from 'node:fs';
import * as path from 'node:path';
import { medianWall } from './measure';
import { line, type Workplace } from './workplace';

const CONSTRUCTS = 2000;

/**
 * What it takes to synthesize a large app, and also to read its plan and bring it in order. Aim: under 1 s beyond the start
 * of an app. (deploy --dry-run tells digests, so it builds what is not in the store.)
 */
export function constructs(workplace: Workplace, rounds: number): void {
  const directory = workplace.project(`const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layers = Array.from({ length: ${String(CONSTRUCTS - 1)} }, (_, i) => new Layer(app, 'layer' + i, { imports: [{ source: 'file', dest: '/file' + i }] }));
new StackedImage(app, 'combined', layers.slice(0, 100));\n`);
  fs.writeFileSync(path.join(directory, 'file'), 'content\n');
  fs.writeFileSync(path.join(directory, 'start.js'), "const { App } = require('cdk-stack');\nnew App();\n");
  const start = medianWall(rounds, () => workplace.inProject('node start.js'));
  const tell = (what: string, args: string): void => {
    const wall = medianWall(rounds, () => workplace.stack(args));
    line(what, `${wall.toFixed(2)} s, ${(wall - start).toFixed(2)} s beyond the start of an app`);
  };
  console.log(`an app of ${String(CONSTRUCTS)} constructs; one without any starts in ${start.toFixed(2)} s`);
  tell('stack synth', 'synth --quiet');
  tell('stack ls', 'ls --quiet');
}
