import { joinErrors, StackError } from '../core';
import { outsideReferences } from './outside';
import type { Plan } from './schema';
import { shownUrl } from './source-url';

/**
 * Refuses what is downloaded without a sha256 in the app, whatever the lock file says: who can change that can change both.
 * @param images construct paths of the images to look at
 * @throws StackError STACK3022 for every such URL
 */
export function requireHashes(plan: Plan, images: readonly string[]): void {
  const errors = outsideReferences(plan, images).flatMap((each) => {
    if (each.kind !== 'url' || !each.isMutable) return [];
    const message = `'${shownUrl(each.url)}' is used without a sha256, and --require-hash forbids it`;
    return new StackError('STACK3022', message, {
      constructPath: each.image,
      source: plan.images[each.image]?.source,
      hint: "declare it: { source: 'https://…', sha256: '…' }, or ImageSource.tar('https://…', { sha256: '…' })",
    });
  });
  const [first, ...others] = errors;
  if (first !== undefined) throw joinErrors([first, ...others]);
}
