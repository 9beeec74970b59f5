import type { Merger } from '../merger';
import { dpkgStatus } from './status';

/** The mergers of Debian's package database. */
export const DEBIAN_MERGERS: readonly Merger[] = [dpkgStatus];
