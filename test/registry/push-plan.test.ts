import {
  planPush,
  uncertainBlobs,
  type BlobStep,
  type Known,
  type PlannedBlob,
  type PlannedPublication,
} from '../../lib/registry';

const blob = (digest: string, ...knownIn: string[]): PlannedBlob => ({ digest, size: 10_000, knownIn });
const manifest = (digest: string, ...blobs: (string | PlannedBlob)[]) => ({
  digest,
  blobs: blobs.map((each) => (typeof each === 'string' ? blob(each) : each)),
  children: [] as string[],
});
const publish = (repository: string, ...manifests: PlannedPublication['manifests']): PlannedPublication => ({
  repository,
  manifests,
  tags: ['1'],
});
const known = (
  manifests: readonly string[] = [],
  blobs: readonly string[] = [],
  tags: Readonly<Record<string, string>> = {},
): Known => ({
  manifests: new Set(manifests),
  blobs: new Set(blobs),
  tags: new Map(Object.entries(tags)),
});

/** Steps as `REPOSITORY+DIGEST` for uploads and `REPOSITORY<FROM+DIGEST` for mounts, those that wait behind in parentheses. */
function show({ repository, digest, from, then }: BlobStep): string {
  const after = then.length === 0 ? '' : `(${then.map(show).join(' ')})`;
  return `${repository}${from === undefined ? '' : `<${from}`}+${digest}${after}`;
}

interface Row {
  readonly name: string;
  readonly publications: readonly PlannedPublication[];
  readonly known?: Known;
  readonly blobs: readonly string[];
  readonly manifests: readonly (readonly string[])[];
  readonly tags: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: 'a manifest that gets no tag, by its digest',
    publications: [{ ...publish('r/a', manifest('m', 'x')), tags: [] }],
    blobs: ['r/a+x'],
    manifests: [['r/a@m']],
    tags: [],
  },
  { name: 'nothing', publications: [], blobs: [], manifests: [], tags: [] },
  {
    name: 'a first image: everything, the manifest under its tag',
    publications: [publish('r/a', manifest('m', 'x', 'y'))],
    blobs: ['r/a+x', 'r/a+y'],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'a blob of two repositories: uploaded to the first, mounted into the second',
    publications: [publish('r/a', manifest('m', 'x')), publish('r/b', manifest('n', 'x', 'y'))],
    blobs: ['r/a+x(r/b<r/a+x)', 'r/b+y'],
    manifests: [['r/a@m', 'r/b@n']],
    tags: ['r/a:1=m', 'r/b:1=n'],
  },
  {
    name: 'a blob of two registries: uploaded to each',
    publications: [publish('r/a', manifest('m', 'x')), publish('s/a', manifest('m', 'x'))],
    blobs: ['r/a+x', 's/a+x'],
    manifests: [['r/a@m', 's/a@m']],
    tags: ['r/a:1=m', 's/a:1=m'],
  },
  {
    name: 'a manifest that is there has its blobs, which others mount',
    publications: [
      publish('r/a', manifest('m', 'x')),
      publish('r/b', manifest('n', 'x')),
      publish('r/c', manifest('o', 'x')),
    ],
    known: known(['r/b@n']),
    blobs: ['r/a<r/b+x', 'r/c<r/b+x'],
    manifests: [['r/a@m', 'r/c@o']],
    tags: ['r/a:1=m', 'r/b:1=n', 'r/c:1=o'],
  },
  {
    name: 'a blob that was found is not brought again',
    publications: [publish('r/a', manifest('m', 'x')), publish('r/b', manifest('n', 'x'))],
    known: known([], ['r/b@x']),
    blobs: ['r/a<r/b+x'],
    manifests: [['r/a@m', 'r/b@n']],
    tags: ['r/a:1=m', 'r/b:1=n'],
  },
  {
    name: 'a blob that may be elsewhere in the registry is mounted from there, and further from its home',
    publications: [publish('r/a', manifest('m', blob('x', 's/z', 'r/z'))), publish('r/b', manifest('n', 'x'))],
    blobs: ['r/a<r/z+x(r/b<r/a+x)'],
    manifests: [['r/a@m', 'r/b@n']],
    tags: ['r/a:1=m', 'r/b:1=n'],
  },
  {
    name: 'a blob said to be where it has to go is uploaded',
    publications: [publish('r/a', manifest('m', blob('x', 'r/a')))],
    blobs: ['r/a+x'],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'a guess that nothing confirms is uploaded, not mounted',
    publications: [publish('r/a', manifest('m', { ...blob('x'), maybeIn: ['r/z'] }))],
    blobs: ['r/a+x'],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'a guess that a question has confirmed is mounted from',
    publications: [publish('r/a', manifest('m', { ...blob('x', 'r/y'), maybeIn: ['r/z'] }))],
    known: known([], ['r/z@x']),
    blobs: ['r/a<r/z+x'],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'of places where a blob was, the first that is not its home is mounted from',
    publications: [publish('r/a', manifest('m', blob('x', 'r/a', 'r/y', 'r/z')))],
    blobs: ['r/a<r/y+x'],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'a blob twice in one image, and in two images of one repository, is uploaded once',
    publications: [publish('r/a', manifest('m', 'x', 'x'), manifest('n', 'x'))],
    blobs: ['r/a+x'],
    manifests: [['r/a@m', 'r/a@n']],
    tags: ['r/a:1=n'],
  },
  {
    name: 'an index waits for its images, and an index of indexes for those',
    publications: [
      publish(
        'r/a',
        manifest('m', 'x'),
        { digest: 'i', blobs: [], children: ['m'] },
        { digest: 'j', blobs: [], children: ['i', 'm'] },
      ),
    ],
    blobs: ['r/a+x'],
    manifests: [['r/a@m'], ['r/a@i'], ['r/a@j']],
    tags: ['r/a:1=j'],
  },
  {
    name: 'an index does not wait for images that are there',
    publications: [publish('r/a', manifest('m', 'x'), { digest: 'i', blobs: [], children: ['m'] })],
    known: known(['r/a@m']),
    blobs: [],
    manifests: [],
    tags: ['r/a:1=i'],
  },
  {
    name: 'only the tag, when it names something else',
    publications: [publish('r/a', manifest('m', 'x'))],
    known: known(['r/a@m'], [], { 'r/a:1': 'other' }),
    blobs: [],
    manifests: [],
    tags: ['r/a:1=m'],
  },
  {
    name: 'nothing, when the tag is right',
    publications: [publish('r/a', manifest('m', 'x'))],
    known: known(['r/a@m'], [], { 'r/a:1': 'm' }),
    blobs: [],
    manifests: [],
    tags: [],
  },
  {
    name: 'a tag given twice goes to the later image',
    publications: [publish('r/a', manifest('m')), publish('r/a', manifest('n'))],
    blobs: [],
    manifests: [['r/a@m', 'r/a@n']],
    tags: ['r/a:1=n'],
  },
  {
    name: 'a tag given twice that names the later image already stays',
    publications: [publish('r/a', manifest('m')), publish('r/a', manifest('n'))],
    known: known(['r/a@m', 'r/a@n'], [], { 'r/a:1': 'n' }),
    blobs: [],
    manifests: [],
    tags: [],
  },
];

test.each(ROWS)('the plan has $name', ({ publications, known: facts = known(), blobs, manifests, tags }) => {
  const plan = planPush(publications, facts);

  expect(plan.blobs.map(show)).toEqual(blobs);
  expect(plan.manifests.map((wave) => wave.map(({ repository, digest }) => `${repository}@${digest}`))).toEqual(
    manifests,
  );
  expect(plan.tags.map(({ repository, tag, digest }) => `${repository}:${tag}=${digest}`)).toEqual(tags);
});

test('only blobs that would be uploaded, and are not small, are worth a question, in every repository they go to', () => {
  const publications = [
    publish('r/a', manifest('m', 'x', blob('y', 'r/z'), { ...blob('small'), size: 100 })),
    publish('r/b', manifest('n', 'x')),
  ];

  expect(uncertainBlobs(publications, known())).toEqual([
    { repository: 'r/a', digest: 'x', isGuess: false },
    { repository: 'r/b', digest: 'x', isGuess: false },
  ]);
});

test('guesses are asked about, but for those that the plan itself makes, other registries, and more than a few', () => {
  const guesses = ['r/b', 's/z', 'r/c', 'r/d', 'r/e', 'r/f'];
  const publications = [
    publish('r/a', manifest('m', { ...blob('x'), maybeIn: guesses })),
    publish('r/b', manifest('n', 'x')),
  ];

  expect(uncertainBlobs(publications, known()).map(({ repository, isGuess }) => [repository, isGuess])).toEqual([
    ['r/a', false],
    ['r/b', false],
    ['r/c', true],
    ['r/d', true],
    ['r/e', true],
  ]);
});
