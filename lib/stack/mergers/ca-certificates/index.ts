import type { MergeOutcome, Merger, MergeRequest } from '../merger';
import { Settlement } from '../settlement';
import { parseContested, readVersions } from '../versions';
import { CERTIFICATES, isShipped, linkTo, makeBundle } from './certificates';
import {
  certificatesOf,
  formatConfiguration,
  mergeConfigurations,
  parseConfiguration,
  type Configuration,
} from './configuration';
import { settleHashLinks } from './hash-links';

const CONFIGURATION = 'etc/ca-certificates.conf';
const BUNDLE = `${CERTIFICATES}/ca-certificates.crt`;
const NOTHING = Buffer.alloc(0);

/**
 * Trusted certificates: the bundle is made anew from the merged configuration and the certificates of all components, as
 * update-ca-certificates makes it. A certificate that a component deselects is not trusted.
 */
export const caCertificates: Merger = {
  name: 'ca-certificates',
  version: 1,
  paths: [`/${CONFIGURATION}`, `/${BUNDLE}`, `/${CERTIFICATES}/????????.+([0-9])`],
  merge,
};

async function merge(request: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  const parsed = await parseContested(request, CONFIGURATION, parseConfiguration, into);
  const configuration =
    parsed === undefined
      ? parseConfiguration((await request.stacked.read(CONFIGURATION)) ?? NOTHING)
      : mergeConfigurations(parsed);
  if (parsed !== undefined) into.write(CONFIGURATION, formatConfiguration(configuration));
  await mergeBundle(request, configuration, parsed !== undefined, into);
  for (const certificate of certificatesOf(configuration).deselected) {
    const path = linkTo(certificate);
    const entry = request.stacked.get(path);
    if (entry?.type === 'symlink' && isShipped(entry.target, certificate)) into.remove(path);
  }
  await settleHashLinks(request, into);
  return into;
}

async function mergeBundle(
  request: MergeRequest,
  configuration: Configuration,
  isNew: boolean,
  into: Settlement,
): Promise<void> {
  const versions = await readVersions(request, BUNDLE, into);
  const isAsked = request.paths.includes(BUNDLE) || isNew || (versions?.changed.length ?? 0) > 1;
  if (versions === undefined || versions.changed.length === 0 || !isAsked) return;
  const strange: string[] = [];
  for (const { component, content } of versions.changed) {
    const files = request.components.find(({ name }) => name === component)?.files;
    if (files === undefined) continue;
    const own = parseConfiguration((await files.read(CONFIGURATION)) ?? NOTHING);
    if (!content.equals(await makeBundle(own, files))) strange.push(component);
  }
  if (strange.length === 0) {
    into.write(BUNDLE, await makeBundle(configuration, request.stacked));
    return;
  }
  into.notMergeable(
    BUNDLE,
    'it is not what update-ca-certificates makes of the certificates that are there',
    strange,
    'run `update-ca-certificates` at the end of these components, or in a layer on top with a conflict rule for the bundle',
  );
}
