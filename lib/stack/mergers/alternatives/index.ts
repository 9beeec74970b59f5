import type { Files, MergeOutcome, Merger, MergeRequest } from '../merger';
import { Settlement } from '../settlement';
import { parseVersions, readVersions } from '../versions';
import { formatAlternative, parseAlternative } from './alternative';
import { linkOf, settleLinks } from './links';
import { mergeAlternatives, type Selected } from './merge-alternatives';

const DATABASE = 'var/lib/dpkg/alternatives';

/** Alternatives of Debian: their choices, which of them is selected, and all links that follow from that. */
export const alternatives: Merger = {
  name: 'alternatives',
  version: 1,
  paths: [`/${DATABASE}/*`, '/etc/alternatives/*'],
  makes: ['/**'], // links are wherever a package wants them
  merge,
};

async function merge(request: MergeRequest): Promise<MergeOutcome> {
  const into = new Settlement();
  for (const name of namesOf(request)) await mergeAlternative(request, name, into);
  return into;
}

/** Names of all alternatives. */
function namesOf({ base, components }: MergeRequest): Set<string> {
  const all = [base, ...components.map(({ files }) => files)];
  const paths = all.flatMap((files) => files.under(DATABASE).map(({ path }) => path));
  return new Set(paths.filter((path) => path !== DATABASE).map((path) => path.slice(DATABASE.length + 1)));
}

async function mergeAlternative(request: MergeRequest, name: string, into: Settlement): Promise<void> {
  const path = `${DATABASE}/${name}`;
  const versions = await readVersions(request, path, into, 'empties');
  if (versions === undefined || versions.changed.length === 0) return;
  const parsed = parseVersions(versions, parseAlternative, into);
  if (parsed === undefined) return;
  const select = (value: (typeof parsed)['base'], files: Files): Selected => {
    const link = files.get(linkOf(name));
    return { ...value, selected: link?.type === 'symlink' ? link.target : undefined };
  };
  const base = select(parsed.base, request.base);
  const everybody = request.components.map(({ name: component, files }) => {
    const own = parsed.sides.find((side) => side.component === component);
    return { component, value: select(own?.value ?? parsed.base, files) };
  });
  const all = everybody.map(({ value }) => value);
  const links = [name, ...all.flatMap(({ slaves }) => [...slaves.keys()])].map(linkOf);
  const isAsked = versions.changed.length > 1 || request.paths.some((each) => each === path || links.includes(each));
  if (!isAsked) return;

  const { alternative, conflicts } = mergeAlternatives({ base, sides: everybody });
  for (const { what, components } of conflicts) {
    into.conflict(
      path,
      `components differ on ${what} in the alternative '${name}'`,
      components,
      'install one version of its packages, and set it in one component only',
    );
  }
  if (alternative.choices.size === 0) into.remove(path);
  else into.write(path, formatAlternative(alternative));
  settleLinks(name, alternative, [base, ...all], request, into);
}
