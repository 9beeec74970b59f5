import { StackError } from '../../core';
import { shortDigest } from '../../oci';
import type { DeployedImage, DeployOptions } from '../../toolkit';
import { cleanLine, count } from '../render/text';
import type { CommandContext } from './command';

const MAX_SHOWN = 20;

/** Asks before images are published, when --require-approval wants it; undefined when there is nothing to ask. */
export function approval(context: CommandContext): DeployOptions['approve'] | undefined {
  const { requireApproval: when, yes } = context.settings;
  if (when === 'never' || yes) return undefined;
  return async (planned) => {
    const changes = planned
      .flatMap(({ images }) => images)
      .filter(({ changed, was }) => changed && (when === 'any-change' || was !== undefined));
    const lines = [...new Set(changes.map(changeText))];
    if (lines.length > 0) await ask(context, lines);
  };
}

async function ask({ isInteractive, renderer, confirm }: CommandContext, lines: readonly string[]): Promise<void> {
  const what = `${count(lines.length, 'name')} would change`;
  const shown = [...lines.slice(0, MAX_SHOWN), ...(lines.length > MAX_SHOWN ? ['…'] : [])];
  if (!isInteractive) {
    throw new StackError('STACK1010', `${what}, and nobody is at a terminal to approve it: ${shown.join('; ')}`, {
      hint: 'pass --yes or --require-approval never',
    });
  }
  renderer.pause();
  const isApproved = await confirm(`${what}:\n${shown.map((line) => `  ${line}\n`).join('')}publish?`);
  renderer.resume();
  if (!isApproved) throw new StackError('STACK1010', `${what}, and that was not approved`);
}

/** `ghcr.io/acme/kernel:latest: 0123456789ab -> ba9876543210`. */
function changeText({ reference, was, index, digest }: DeployedImage): string {
  const before = was === undefined ? 'new' : shortDigest(was);
  return `${cleanLine(reference)}: ${before} -> ${shortDigest(index ?? digest)}`;
}
