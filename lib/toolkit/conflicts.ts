import { settleConflicts } from '../build';
import { StackError } from '../core';
import { joinReports, type ConflictReport } from '../stack';
import { planOf, withParts, type ImageOptions } from './parts';

/**
 * Builds the components of a combination and tells where they contradict each other; it is no failure that they do.
 * @throws StackError STACK1001 when the image is no combination, and as `deploy`
 */
export async function conflicts(options: ImageOptions): Promise<ConflictReport> {
  const { image } = options;
  if (planOf(options).type !== 'stacked-image') {
    throw new StackError('STACK1001', `'${image}' is no combination of images, so it has no conflicts`, {
      hint: 'name a StackedImage',
    });
  }
  return withParts(options, async (context, { combined }) => {
    const reports: ConflictReport[] = [];
    for (const each of combined) reports.push((await settleConflicts(context, image, each)).report);
    return joinReports(reports);
  });
}
