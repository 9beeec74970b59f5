import {
  LIMITS,
  type LimitsPlan,
  type Plan,
  type SquashfsOptions as SquashfsPlan,
  type TarOptions as TarPlan,
} from '../../plan';
import type { AppProps, Limits } from '../app-props';
import type { SquashfsOptions, TarOptions } from '../formats';
import { flag, integer, isObject, membersOf, nonEmptyText, objectOf, oneOf, wrong, type Check } from './checks';
import { checkKnown } from './known-properties';
import type { Reporter } from './problems';
import { formats } from './render-image';

const tar: Check<TarPlan> = (report, what, value) => {
  const given: TarOptions | undefined = objectOf('compression', 'level')(report, what, value);
  if (given === undefined) return undefined;
  const read = membersOf<keyof TarOptions>(report, `${what}.`, given);
  const compression = read('compression', oneOf('zstd', 'gzip', 'none'));
  const level = read('level', integer(compression === 'gzip' ? LIMITS.gzipLevel : LIMITS.zstdLevel));
  if (compression === 'none' && level !== undefined)
    report('STACK2006', `${what}.level is given, but nothing is compressed`);
  return { compression, level };
};

const squashfs: Check<SquashfsPlan> = (report, what, value) => {
  const given = objectOf('verity', 'mediaType', 'level')(report, what, value);
  if (given === undefined) return undefined;
  const read = membersOf<keyof SquashfsOptions>(report, `${what}.`, given);
  return {
    verity: read('verity', flag),
    mediaType: read('mediaType', oneOf('current', 'legacy')),
    level: read('level', integer(LIMITS.squashfsLevel)),
  };
};

const limits: Check<LimitsPlan> = (report, what, value) => {
  const given = objectOf('filesystemLayers')(report, what, value);
  if (given === undefined) return undefined;
  const read = membersOf<keyof Limits>(report, `${what}.`, given);
  return { filesystemLayers: read('filesystemLayers', integer(LIMITS.filesystemLayers)) };
};

/** What a plan has besides its images. */
export function renderApp(
  report: Reporter,
  app: object,
  props: unknown,
): Pick<Plan, 'epoch' | 'formats' | 'tar' | 'squashfs' | 'limits'> {
  if (!isObject(props)) {
    wrong(report, 'props', props, 'an object');
    return { formats: ['tar'] };
  }
  checkKnown(report, app, props);
  const read = membersOf<keyof AppProps>(report, '', props);
  for (const key of ['outdir', 'directory'] as const) read(key, nonEmptyText);
  read('context', (_, what, value) => (isObject(value) ? value : wrong(report, what, value, 'an object')));
  return {
    epoch: read('epoch', integer(LIMITS.epoch, 'it is in seconds, not in milliseconds')),
    formats: read('formats', formats) ?? ['tar'],
    tar: read('tar', tar),
    squashfs: read('squashfs', squashfs),
    limits: read('limits', limits),
  };
}
