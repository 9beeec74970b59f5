import * as v from 'valibot';
import { stackedSchema, type CombiningPlan } from './schema';

const combiningSchema = v.pick(stackedSchema, ['config', 'conflicts', 'mergers', 'glue']);

/** See `parseCombining` in ./combining. */
export function parseCombining(value: unknown): CombiningPlan | undefined {
  const parsed = v.safeParse(combiningSchema, value, { lang: 'en' });
  return parsed.success ? parsed.output : undefined;
}
