import type * as schemaModule from './combining-schema';
import type { StackedPlan } from './schema';

/** What a combination sets about how its components are combined. */
export type CombiningPlan = Pick<StackedPlan, 'config' | 'conflicts' | 'mergers' | 'glue'>;

/** Reads that from outside; undefined when it is not valid. */
export function parseCombining(value: unknown): CombiningPlan | undefined {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- apps import this folder too, and read none
  return (require('./combining-schema') as typeof schemaModule).parseCombining(value);
}
