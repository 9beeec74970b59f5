import { joinErrors, StackError } from '../../core';
import { shownUrl, unhashedUrls, type Plan } from '../../plan';

/**
 * Refuses what is downloaded without a sha256 in the app, whatever the lock file says: who can change that can change both.
 * @param images construct paths of the images to look at
 * @throws StackError STACK3022 for every such URL
 */
export function requireHashes(plan: Plan, images: readonly string[]): void {
  const errors = images.flatMap((constructPath) => {
    const image = plan.images[constructPath];
    return unhashedUrls(image).map(
      (url) =>
        new StackError('STACK3022', `'${shownUrl(url)}' is used without a sha256, and --require-hash forbids it`, {
          constructPath,
          source: image?.source,
          hint: "declare it: { source: 'https://…', sha256: '…' }, or ImageSource.tar('https://…', { sha256: '…' })",
        }),
    );
  });
  const [first, ...others] = errors;
  if (first !== undefined) throw joinErrors([first, ...others]);
}
