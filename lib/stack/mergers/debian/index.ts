import type { Merger } from '../merger';
import { sgmlCatalogs, xmlCatalogs } from './catalogs';
import { debconf } from './debconf';
import { dpkgDiversions } from './diversions';
import { aptExtendedStates } from './extended-states';
import { dpkgArchitectures, shells } from './line-sets';
import { perlSax } from './perl-sax';
import { dpkgStatoverride } from './statoverride';
import { dpkgStatus } from './status';
import { dpkgStatusFiles } from './status-files';
import { dpkgTriggers } from './triggers';
import { ucf } from './ucf';

/** The mergers of what dpkg, apt, debconf and other tools of Debian know. */
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
  xmlCatalogs,
  sgmlCatalogs,
  perlSax,
  ucf,
];
