import { compareNames, StackError } from '../../../core';
import { resolveInView } from '../../../pack';
import type { Files } from '../merger';
import { certificatesOf, type Configuration } from './configuration';

const SHIPPED = 'usr/share/ca-certificates';
const LOCAL = 'usr/local/share/ca-certificates';

/** Where links to certificates are, and the bundle of them. */
export const CERTIFICATES = 'etc/ssl/certs';

/** The bundle as update-ca-certificates writes it: the selected certificates, then all local ones by path. */
export async function makeBundle(configuration: Configuration, files: Files): Promise<Buffer> {
  const local = files
    .under(LOCAL)
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.crt'))
    .sort(compareNames);
  const pieces: Buffer[] = [];
  for (const path of [...certificatesOf(configuration).selected.map((name) => `${SHIPPED}/${name}`), ...local]) {
    const content = await readThrough(files, path);
    if (content === undefined || content.length === 0) continue;
    pieces.push(content);
    if (content.at(-1) !== 10) pieces.push(Buffer.from('\n'));
  }
  return Buffer.concat(pieces);
}

/** The content of a file, also through symbolic links. */
export async function readThrough(files: Files, path: string): Promise<Buffer | undefined> {
  try {
    return await files.read(resolveInView(files, path));
  } catch (error) {
    if (StackError.is(error) && error.code === 'STACK3004') return undefined; // a loop of links
    throw error;
  }
}

/** Where the link to a certificate is. */
export function linkTo(certificate: string): string {
  const name = certificate.slice(certificate.lastIndexOf('/') + 1).replace(/\.crt$/, '');
  return `${CERTIFICATES}/${name.replaceAll(' ', '_').replace(/[()]/g, '=').replaceAll(',', '_')}.pem`;
}

/** Whether a link leads to a shipped certificate. */
export function isShipped(target: string, certificate: string): boolean {
  return target === `/${SHIPPED}/${certificate}`;
}
