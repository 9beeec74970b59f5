import type { Files, MergeOutcome, Merger, MergeRequest } from '../merger';
import { Settlement } from '../settlement';

const PARSERS = 'var/lib/libxml-sax-perl/ParserDetails.d';
const CONFIGURATION = 'etc/perl/XML/SAX/ParserDetails.ini';

/**
 * The list of Perl's parsers for SAX, which update-perl-sax-parsers(8) makes of one file for each parser; and the copy that ucf keeps.
 * A list that somebody has edited is left to whoever reads of the conflict.
 */
export const perlSax: Merger = {
  name: 'perl-sax',
  version: 1,
  paths: [`/${CONFIGURATION}`, `/var/lib/ucf/cache/${`/${CONFIGURATION}`.replaceAll('/', ':')}`],
  isPathwise: true,
  merge,
};

async function merge({ paths, components, stacked }: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const path of paths) {
    const made = components.map(async ({ files }) => (await files.read(path))?.equals(await listOf(files)) ?? false);
    if ((await Promise.all(made)).every((isMade) => isMade)) into.write(path, await listOf(stacked));
  }
  return into;
}

async function listOf(files: Files): Promise<Buffer> {
  const parsers: Buffer[] = [];
  for (const { path } of files.under(PARSERS)) parsers.push((await files.read(path)) ?? Buffer.alloc(0));
  return Buffer.concat(parsers);
}
