import { accounts } from './accounts';
import { alternatives } from './alternatives';
import { apk } from './apk';
import { caCertificates } from './ca-certificates';
import { derived } from './derived';
import { infoDirectory } from './info-directory';
import { ldSoCache } from './ld-so-cache';
import { machineId, machineKeys } from './machine-identity';
import type { Merger } from './merger';
import { rpm } from './rpm';
import { text } from './text';

/** Mergers of what systems have beside Debian's package database, in the order they are asked: that for all texts is last. */
export const SYSTEM_MERGERS: readonly Merger[] = [
  accounts,
  alternatives,
  ldSoCache,
  caCertificates,
  infoDirectory,
  machineId,
  machineKeys,
  apk,
  rpm,
  derived,
  text,
];
