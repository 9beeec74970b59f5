import type { Merger } from '../merger';
import { debconf } from './debconf';
import { dpkgDiversions } from './diversions';
import { aptExtendedStates } from './extended-states';
import { dpkgArchitectures, shells } from './line-sets';
import { dpkgStatoverride } from './statoverride';
import { dpkgStatus } from './status';
import { dpkgStatusFiles } from './status-files';
import { dpkgTriggers } from './triggers';

/** The mergers of what dpkg, apt and debconf know. */
export const DEBIAN_MERGERS: readonly Merger[] = [
  dpkgStatus,
  dpkgStatusFiles,
  dpkgArchitectures,
  dpkgDiversions,
  dpkgStatoverride,
  dpkgTriggers,
  aptExtendedStates,
  debconf,
  shells,
];
