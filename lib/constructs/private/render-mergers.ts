import { isInnerPath, type MergerPlan } from '../../plan';
import type { MergerModule } from '../stacked-image-props';
import { listOf, objectOf, text, wrong, type Check } from './checks';
import { lookAt } from './look-at';
import { glob } from './render-conflicts';
import type { Rendering } from './rendering';

const MEMBERS = ['module', 'paths'] as const satisfies readonly (keyof MergerModule)[];

const modulePath = text(
  'the path of a JavaScript file, relative to the app\'s directory and in it, such as "./mergers/motd.js"',
  (value) => isInnerPath(value) && /\.[cm]?js$/.test(value),
  'a deploy loads it, maybe on another machine; compile TypeScript first',
);

const globs: Check<string[]> = (report, what, value) =>
  Array.isArray(value) && value.length === 0
    ? wrong(report, what, value, 'an array of at least one glob')
    : listOf(glob)(report, what, value);

/** The mergers of a combination; their modules must exist. */
export function mergers(rendering: Rendering): Check<MergerPlan[]> {
  const merger: Check<MergerPlan> = (report, what, value) => {
    const members: Partial<MergerModule> | undefined = objectOf(...MEMBERS)(report, what, value);
    if (members === undefined) return undefined;
    const module = modulePath(report, `${what}.module`, members.module);
    const paths = globs(report, `${what}.paths`, members.paths);
    if (module === undefined || paths === undefined) return undefined;
    return lookAt(rendering, `${what}.module`, module) === undefined ? undefined : { module, paths };
  };
  return listOf(merger);
}
