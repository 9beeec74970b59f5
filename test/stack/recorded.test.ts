import { canonicalJson } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import { componentsIn, flattenComponents, parseRecord, recordOf, stackImages, type Component } from '../../lib/stack';
import { failureOf } from '../failure';
import { component, image as imageOf, wordsOf } from './fixture';

type Three = [Component, Component, Component];

const digest = digestOf('x');
const image = { name: 'a', digest, config: {}, steps: [0] };
const record = { version: 3, images: [image], components: ['a'], how: { glue: 'forbid' } };

const ancestor = {
  image: {
    os: 'linux',
    architecture: 'amd64',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [],
  },
  layers: [{ mediaType: 'x', digest, size: 1 }],
};

const parse = (value: unknown): Promise<unknown> =>
  Promise.resolve().then(() => parseRecord(typeof value === 'string' ? value : canonicalJson(value), "'image'"));

test('what a manifest records is read back', async () => {
  const based = { ...record, base: { config: { Env: ['A=1'] }, steps: [0, 2] } };
  expect(await parse(based)).toEqual(based);
  const inner = { name: 'b', declared: { env: { A: '1' } }, base: { config: {}, steps: [1] }, components: ['a'] };
  const nested = { ...record, images: [image, inner], components: ['b', 'a'] };
  expect(await parse(nested)).toEqual(nested);
});

test('what is recorded is read back, each image once, whatever combines it', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => component(name, imageOf(['base', name]))) as Three;
  const inner = component('inner', stackImages([a, b]));
  const outer = component('outer', stackImages([inner, component('other', stackImages([a, c])), inner]));
  let whole = stackImages([inner, outer]);
  for (let level = 0; level < 30; level += 1) {
    whole = stackImages([component(`m${String(level)}`, whole), component(`n${String(level)}`, stackImages([c, a]))]);
  }
  const text = canonicalJson(recordOf(whole, {}, (name) => digestOf(name)));
  const read = parseRecord(text, "'image'");
  expect(read.images).toHaveLength(66);
  const again = stackImages(componentsIn(read, whole, "'image'").components as [Component, ...Component[]]);
  expect(wordsOf(again)).toEqual(wordsOf(whole));
  expect(canonicalJson(recordOf(again, {}, (name) => digestOf(name)))).toBe(text);
  expect(flattenComponents(again.components ?? [])).toHaveLength(3);
});

test.each<[string, unknown]>([
  ['nothing', '{}'],
  ['a list', []],
  ['another version', { ...record, version: 2 }],
  ['no images', { ...record, images: undefined }],
  ['no components', { ...record, components: [] }],
  ['components that are none', { ...record, components: { a: 1 } }],
  ['a component that is no image', { ...record, components: ['b'] }],
  ['a component that is no name', { ...record, components: [['a']] }],
  ['a combination of itself', { ...record, images: [{ name: 'a', config: {}, components: ['a'] }] }],
  ['an image without a name', { ...record, images: [{ ...image, name: undefined }] }],
  ['one name twice', { ...record, images: [image, image] }],
  ['a digest that is none', { ...record, images: [{ ...image, digest: '../../x' }] }],
  ['a step that is none', { ...record, images: [{ ...image, steps: [-1] }] }],
  ['steps that are none', { ...record, images: [{ ...image, steps: 'x' }] }],
  ['too many steps', { ...record, images: [{ ...image, steps: Array.from({ length: 4097 }, () => 0) }] }],
  ['a base that is not there', { ...record, images: [{ ...image, ancestor: 0 }] }],
  ['ancestors of no base', { ...record, ancestors: [ancestor] }],
  ['an ancestor without layers', { ...record, base: image, ancestors: [{ ...ancestor, layers: [{}] }] }],
  [
    'a declaration that is none',
    { ...record, images: [image, { name: 'b', components: ['a'], declared: { env: 1 } }] },
  ],
  ['a policy that is none', { ...record, how: { conflicts: { default: 'whatever' } } }],
  ['a merger that is none', { ...record, how: { mergers: [{ module: 1 }] } }],
  ['a glob that takes long', { ...record, how: { conflicts: { rules: [{ match: '/(a+)+b', policy: 'warn' }] } } }],
  [
    'a glob with too many stars',
    { ...record, how: { conflicts: { rules: [{ match: '*a'.repeat(30), policy: 'warn' }] } } },
  ],
  ['too many', { ...record, images: Array.from({ length: 129 }, (_, at) => ({ ...image, name: String(at) })) }],
])('%s is one clear error', async (_, value) => {
  expect(await failureOf(parse(value))).toMatchObject({
    code: 'STACK5030',
    message: expect.stringMatching(/^'image' has no usable record of its components: /) as string,
  });
});

test('text that is no JSON, and a config that is none, are errors', async () => {
  expect(await failureOf(parse('{'))).toMatchObject({ code: 'STACK6005' });
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  expect(await failureOf(parse(deep))).toMatchObject({ code: 'STACK6005', message: "'image' has more than 64 levels" });
  expect(await failureOf(parse({ ...record, images: [{ ...image, config: { Env: 1 } }] }))).toMatchObject({
    code: 'STACK6005',
  });
});

test('a step that the image does not have is an error', async () => {
  const read = parseRecord(canonicalJson(record), "'image'");
  const without = imageOf([]);
  expect(await failureOf(Promise.resolve().then(() => componentsIn(read, without, "'image'")))).toMatchObject({
    code: 'STACK5030',
    message: expect.stringContaining('it has no step 0') as string,
  });
});

test('more layers than runtimes mount are an error', async () => {
  const read = parseRecord(canonicalJson({ ...record, images: [{ ...image, steps: Array(128).fill(0) }] }), "'image'");
  const failure = await failureOf(Promise.resolve().then(() => componentsIn(read, imageOf(['a']), "'image'")));
  expect(failure).toMatchObject({ code: 'STACK5030' });
});
