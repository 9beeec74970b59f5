import type { StackedPlan } from '../../plan';
import type { ConflictRule, Conflicts } from '../stacked-image-props';
import { flag, listOf, membersOf, objectOf, oneOf, text, type Check } from './checks';

const policy = oneOf('error', 'warn', 'last-wins');

/** A glob over the paths of an image. */
export const glob = text(
  'a glob over absolute paths, such as "/usr/share/doc/**"',
  (value) => /^(\/|\*\*)/.test(value),
  'write it from the root of the image, with a slash in front',
);

const rule: Check<{ match: string; policy: NonNullable<ConflictRule['policy']> }> = (report, what, value) => {
  const members = objectOf('match', 'policy')(report, what, value);
  if (members === undefined) return undefined;
  const { match: pattern, policy: chosen } = members as Readonly<Record<string, unknown>>;
  const good = { match: glob(report, `${what}.match`, pattern), policy: policy(report, `${what}.policy`, chosen) };
  return good.match === undefined || good.policy === undefined ? undefined : { match: good.match, policy: good.policy };
};

/** What becomes of conflicts between the components. */
export const conflicts: Check<NonNullable<StackedPlan['conflicts']>> = (report, what, value) => {
  const members = objectOf('default', 'rules', 'whiteouts', 'portable', 'base')(report, what, value);
  if (members === undefined) return undefined;
  const read = membersOf<keyof Conflicts>(report, `${what}.`, members);
  return {
    default: read('default', policy),
    rules: read('rules', listOf(rule)),
    whiteouts: read('whiteouts', oneOf('error', 'repair', 'allow')),
    portable: read('portable', flag),
    base: read('base', oneOf('error', 'ignore')),
  };
};
