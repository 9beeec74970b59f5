import type { Merger, MergeOutcome, MergeProblem, MergeRequest } from '../merger';
import { formatLines, parseLines, printableLine } from '../lines';
import { Malformed, unlessMalformed } from '../malformed';
import { mergeEachPath, mergeRecordFile, type RecordFormat } from '../record-file';
import { sortAsInDpkg } from './path-order';

/** Where dpkg keeps them. */
export const DIVERSIONS = 'var/lib/dpkg/diversions';

/** A file that packages install elsewhere, so that another one can take its place (dpkg-divert(1)). */
export interface Diversion {
  readonly from: string;
  readonly to: string;
  /** The package that takes the place; `:` for a local one. */
  readonly by: string;
}

const FORMAT: RecordFormat<Diversion> = {
  parse(content) {
    const lines = parseLines(content);
    if (lines.length % 3 !== 0) throw new Malformed('has a diversion that is cut off');
    const diversions = new Map<string, Diversion>();
    for (let at = 0; at < lines.length; at += 3) {
      const [from = '', to = '', by = ''] = lines.slice(at, at + 3);
      if (diversions.has(from)) throw new Malformed(`has two diversions of ${printableLine(from)}`);
      diversions.set(from, { from, to, by });
    }
    return diversions;
  },
  format: (diversions) =>
    formatLines(sortAsInDpkg(diversions.values(), ({ from }) => from).flatMap(({ from, to, by }) => [from, to, by])),
  isSame: (a, b) => a.to === b.to && a.by === b.by,
  nameOf: ({ key }) => `the diversion of ${printableLine(key)}`,
};

/** dpkg's diversions: by the path that is diverted. */
export const dpkgDiversions: Merger = {
  name: 'dpkg-diversions',
  version: 2,
  paths: [`/${DIVERSIONS}`],
  merge: (request) => mergeEachPath(request, (path) => mergeDiversions(request, path)),
};

/** The diversions of a file, by the paths that are diverted; none of one that is malformed. */
export function parseDiversions(content: Buffer): ReadonlyMap<string, Diversion> {
  return unlessMalformed(
    () => FORMAT.parse(content),
    () => new Map<string, Diversion>(),
  );
}

async function mergeDiversions(request: MergeRequest, path: string): Promise<MergeOutcome> {
  const outcome = await mergeRecordFile(request, path, FORMAT);
  const file = outcome.files.get(path);
  if (file?.type !== 'file') return outcome;
  const problems = await findClashes([...parseDiversions(file.content).values()], request, path);
  return problems.length === 0 ? outcome : { files: new Map(), problems };
}

/** Finds paths that two diversions name, each of another component: dpkg-divert refuses the second of them. */
async function findClashes(
  merged: readonly Diversion[],
  { components }: MergeRequest,
  path: string,
): Promise<MergeProblem[]> {
  const sides: { readonly name: string; readonly own: ReadonlyMap<string, Diversion> }[] = [];
  for (const { name, files } of components) {
    sides.push({ name, own: parseDiversions((await files.read(path)) ?? Buffer.alloc(0)) });
  }
  const seen = new Map<string, Diversion>();
  return merged.flatMap((diversion): MergeProblem[] =>
    [diversion.from, diversion.to].flatMap((name): MergeProblem[] => {
      const first = seen.get(name);
      seen.set(name, first ?? diversion);
      const wasKnown = sides.some(({ own }) => first && own.has(first.from) && own.has(diversion.from));
      if (first === undefined || first === diversion || wasKnown) return [];
      const [one, other] = [first, diversion].map(({ from, to }) => `${printableLine(from)} to ${printableLine(to)}`);
      const having = sides.filter(({ own }) => own.has(first.from) || own.has(diversion.from));
      return [
        {
          code: 'MERGE_CONFLICT',
          path,
          message: `the diversions of ${one ?? ''} and of ${other ?? ''} clash, as dpkg-divert says`,
          components: having.map((side) => side.name),
          fix: `divert to another name than ${printableLine(name)} in one of them`,
        },
      ];
    }),
  );
}
