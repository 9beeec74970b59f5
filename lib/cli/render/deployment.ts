import { shortDigest } from '../../oci';
import type { DeployResult } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, count, formatBytes, formatDuration, table } from './text';

/** What the summary tells besides the result. */
export interface DeploymentFacts {
  readonly dryRun: boolean;
  readonly milliseconds: number;
}

type Target = DeployResult['targets'][number];
type Published = Target['images'][number];

/** What a deploy did, a table and a sentence for each target. */
export function deployText(result: DeployResult, facts: DeploymentFacts, style: Style): string {
  return result.targets
    .map((target) => [...imageLines(target.images, style), summary(target, facts, style), ''].join('\n'))
    .join('\n');
}

/** Sizes are those of the layers: what a pull of the image alone transfers. */
function imageLines(images: readonly Published[], style: Style): string[] {
  if (images.length === 0) return [];
  const rows = images.map((image) => [
    cleanLine(image.reference),
    shortDigest(image.digest),
    formatBytes(image.layers.reduce((sum, layer) => sum + layer.size, 0)),
    count(image.layers.length, 'layer'),
    image.changed ? 'changed' : 'unchanged',
  ]);
  const { dim, green } = style.colors;
  const [title = '', ...lines] = table([['image', 'digest', 'size', '', ''], ...rows], [2]);
  return [
    dim(title),
    ...lines.map((line, at) => (images[at]?.changed === true ? line.replace(/changed$/, green) : dim(line))),
  ].concat('');
}

function summary(target: Target, facts: DeploymentFacts, style: Style): string {
  const { bold } = style.colors;
  const changed = target.images.filter((image) => image.changed).length;
  const name = cleanLine(target.target);
  if (changed === 0 && target.blobsWritten === 0) return `nothing to do: ${name} is up to date`;
  const same = target.images.length - changed;
  const unchanged = same === 0 ? '' : `, ${String(same)} unchanged`;
  const mounted = target.blobsMounted === 0 ? '' : `${String(target.blobsMounted)} mounted, `;
  const written = `${mounted}${count(target.blobsWritten, 'blob')}, ${formatBytes(target.bytesWritten)}`;
  return facts.dryRun
    ? `dry run: ${bold(count(changed, 'image'))} would be published to ${name}${unchanged}: ${written}`
    : `${bold(count(changed, 'image'))} published to ${name}${unchanged}: ${written} written in ${formatDuration(facts.milliseconds)}`;
}
