import { shortDigest } from '../../oci';
import type { DeployResult, Transfer } from '../../toolkit';
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
    .map((target) => {
      const plan = facts.dryRun ? blobLines(target.blobs) : [];
      return [...imageLines(target.images, style), ...plan, summary(target, facts, style), ''].join('\n');
    })
    .join('\n');
}

/** Sizes are those of the layers: what a pull of the image alone transfers. */
function imageLines(images: readonly Published[], style: Style): string[] {
  if (images.length === 0) return [];
  const rows = byReference(images).flatMap((named) => {
    const [first] = named;
    if (first?.index === undefined) return named.map((image) => ({ image, cells: cellsOf(image, image.reference) }));
    const title = [cleanLine(first.reference), shortDigest(first.index), '', count(named.length, 'image')];
    return [
      { image: first, cells: [...title, stateOf(first)] },
      ...named.map((image) => ({ image, cells: cellsOf(image, `  ${image.platform} ${image.format}`) })),
    ];
  });
  const { dim, green } = style.colors;
  const [title = '', ...lines] = table([['image', 'digest', 'size', '', ''], ...rows.map(({ cells }) => cells)], [2]);
  return [
    dim(title),
    ...lines.map((line, at) => (rows[at]?.image.changed === true ? line.replace(/changed$/, green) : dim(line))),
  ].concat('');
}

function cellsOf(image: Published, name: string): string[] {
  return [
    cleanLine(name),
    shortDigest(image.digest),
    formatBytes(image.layers.reduce((sum, layer) => sum + layer.size, 0)),
    count(image.layers.length, 'layer'),
    image.index === undefined ? stateOf(image) : '',
  ];
}

function stateOf({ changed }: Published): string {
  return changed ? 'changed' : 'unchanged';
}

/** Images of one index are one behind the other. */
function byReference(images: readonly Published[]): readonly (readonly Published[])[] {
  const groups = new Map<string, Published[]>();
  for (const image of images) groups.set(image.reference, [...(groups.get(image.reference) ?? []), image]);
  return [...groups.values()];
}

/** What would be transferred, so that a dry run can be looked through. */
export function blobLines(blobs: Target['blobs']): string[] {
  if (blobs.length === 0) return [];
  const rows = blobs.map(({ digest, size, to, from }) => [
    from === undefined ? 'write' : 'mount',
    shortDigest(digest),
    formatBytes(size),
    `to ${cleanLine(to)}`,
    from === undefined ? '' : `from ${cleanLine(from)}`,
  ]);
  return [...table(rows, [2]), ''];
}

function summary(target: Target, facts: DeploymentFacts, style: Style): string {
  const { bold } = style.colors;
  const names = byReference(target.images);
  const changed = names.filter(([image]) => image?.changed === true).length;
  const name = cleanLine(target.target);
  if (changed === 0 && target.blobsWritten === 0) return `nothing to do: ${name} is up to date`;
  const same = names.length - changed;
  const unchanged = same === 0 ? '' : `, ${String(same)} unchanged`;
  const written = transferText(target);
  return facts.dryRun
    ? `dry run: ${bold(count(changed, 'image'))} would be published to ${name}${unchanged}: ${written}`
    : `${bold(count(changed, 'image'))} published to ${name}${unchanged}: ${written} written in ${formatDuration(facts.milliseconds)}`;
}

/** `2 mounted, 1 blob, 10 kB`. */
export function transferText({ blobsMounted, blobsWritten, bytesWritten }: Transfer): string {
  const mounted = blobsMounted === 0 ? '' : `${String(blobsMounted)} mounted, `;
  return `${mounted}${count(blobsWritten, 'blob')}, ${formatBytes(bytesWritten)}`;
}
