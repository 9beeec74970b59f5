import { shortDigest } from '../../oci';
import type { PlacedImage } from '../../toolkit';
import type { Style } from '../io';
import { blobLines, transferText, type DeploymentFacts } from './deployment';
import { cleanLine, formatDuration } from './text';

/** What was copied, in a sentence, before which a dry run lists every blob. */
export function copyText(result: PlacedImage, { dryRun, milliseconds }: DeploymentFacts, style: Style): string {
  const { reference, digest, changed, blobs } = result;
  const name = `${cleanLine(reference)} ${changed ? 'is' : 'was'} ${shortDigest(digest)}`;
  if (!changed && blobs.length === 0) return `nothing to do: ${name} already\n`;
  const done = dryRun
    ? `dry run: ${style.colors.bold(cleanLine(reference))} would be ${shortDigest(digest)}: ${transferText(result)}`
    : `${style.colors.bold(cleanLine(reference))} is ${shortDigest(digest)}: ${transferText(result)} written in ${formatDuration(milliseconds)}`;
  return [...(dryRun ? blobLines(blobs) : []), done, ''].join('\n');
}
