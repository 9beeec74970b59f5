import type * as schemaModule from './combining-schema';
import type { CombiningPlan } from './schema';

/** Reads how components are combined from outside; undefined when it is not valid. */
export function parseCombining(value: unknown): CombiningPlan | undefined {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- apps import this folder too, and read none
  return (require('./combining-schema') as typeof schemaModule).parseCombining(value);
}
