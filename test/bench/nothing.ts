import * as fs from 'node:fs';
import * as path from 'node:path';
import { medianWall } from './measure';
import { line, type Workplace } from './workplace';

const LAYERS = 100;

/** What commands take where nothing has changed. */
export function nothing(workplace: Workplace, rounds: number): void {
  const directory = workplace.project(`const { App, Layer, StackedImage } = require('cdk-stack');
const app = new App();
const layers = Array.from({ length: ${String(LAYERS)} }, (_, i) => new Layer(app, 'layer' + i, { imports: [{ source: 'file', dest: '/file' + i }] }));
new StackedImage(app, 'combined', layers);\n`);
  fs.writeFileSync(path.join(directory, 'file'), 'content\n');
  workplace.stack('deploy --quiet');
  const bare = medianWall(rounds, () => workplace.inProject('node app.js'));
  const tell = (what: string, args: string): void => {
    const wall = medianWall(rounds, () => workplace.stack(args));
    line(what, `${wall.toFixed(2)} s, ${(wall - bare).toFixed(2)} s beyond the app itself`);
  };
  console.log(`an app of ${String(LAYERS)} layers and their combination: node app.js ${bare.toFixed(2)} s`);
  tell('stack synth', 'synth --quiet');
  tell('stack deploy, nothing to do', 'deploy --quiet');
  line('stack --version', `${medianWall(rounds, () => workplace.stack('--version')).toFixed(2)} s`);
}
