import * as v from 'valibot';
import type { CombiningPlan } from './combining';
import { stackedSchema } from './schema';

const combiningSchema = v.pick(stackedSchema, ['config', 'conflicts', 'mergers', 'glue']);

/** See `parseCombining` in ./combining. */
export function parseCombining(value: unknown): CombiningPlan | undefined {
  const parsed = v.safeParse(combiningSchema, value, { lang: 'en' });
  return parsed.success ? parsed.output : undefined;
}
