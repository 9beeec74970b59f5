import { writeBusyboxTar } from '../e2e/busybox';
import { medianWall } from './measure';
import { line, type Workplace } from './workplace';

const SECONDS = 10;

/** Two layers whose scripts keep a processor busy for 10 s each, on one base. Aim: about 10 s on two processors. */
export function parallel(workplace: Workplace, rounds: number): void {
  const base = workplace.path('base.tar');
  writeBusyboxTar(base, { files: {} });
  workplace.project(`const { App, ImageSource, Layer } = require('cdk-stack');
const app = new App();
const base = new Layer(app, 'base', { from: ImageSource.tar(${JSON.stringify(base)}), buildOnly: true });
const run = "timeout ${String(SECONDS)} sh -c 'while :; do :; done' || date > /done";
for (const id of ['one', 'two']) new Layer(app, id, { from: base, run });\n`);
  workplace.stack('deploy --quiet base');
  const wall = medianWall(rounds, () => workplace.stack('deploy --quiet --no-cache=one --no-cache=two'));
  line(`two layers of ${String(SECONDS)} s each`, `${wall.toFixed(2)} s`);
}
