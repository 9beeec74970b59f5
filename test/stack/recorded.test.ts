import { canonicalJson } from '../../lib/core';
import { digestOf } from '../../lib/oci';
import { componentsIn, parseRecord } from '../../lib/stack';
import { failureOf } from '../failure';

const digest = digestOf('x');
const component = { name: 'a', digest, config: {}, diffIds: [digest] };
const record = { version: 1, components: [component], how: { glue: 'forbid' } };

const parse = (value: unknown): Promise<unknown> =>
  Promise.resolve().then(() => parseRecord(typeof value === 'string' ? value : canonicalJson(value), "'image'"));

test('what a manifest records is read back', async () => {
  const nested = { ...record, base: { config: { Env: ['A=1'] }, diffIds: [] } };
  expect(await parse(nested)).toEqual(nested);
  const inner = { name: 'b', digest, config: {}, components: [component] };
  expect(await parse({ ...record, components: [inner] })).toEqual({ ...record, components: [inner] });
});

test.each<[string, unknown]>([
  ['nothing', '{}'],
  ['a list', []],
  ['another version', { ...record, version: 2 }],
  ['no components', { ...record, components: [] }],
  ['components that are none', { ...record, components: { a: 1 } }],
  ['a component without a name', { ...record, components: [{ ...component, name: undefined }] }],
  ['one name twice', { ...record, components: [component, component] }],
  ['a digest that is none', { ...record, components: [{ ...component, digest: '../../x' }] }],
  ['a diffId that is none', { ...record, components: [{ ...component, diffIds: ['x'] }] }],
  ['a policy that is none', { ...record, how: { conflicts: { default: 'whatever' } } }],
  ['a merger that is none', { ...record, how: { mergers: [{ module: 1 }] } }],
  [
    'too many',
    { ...record, components: Array.from({ length: 1001 }, (_, at) => ({ ...component, name: String(at) })) },
  ],
  [
    'too deep',
    {
      ...record,
      components: [
        Array.from({ length: 30 }).reduce<object>(
          (inner, _, at) => ({ name: `n${String(at)}`, digest, config: {}, components: [inner] }),
          component,
        ),
      ],
    },
  ],
])('%s is one clear error', async (_, value) => {
  expect(await failureOf(parse(value))).toMatchObject({
    code: 'STACK5030',
    message: expect.stringMatching(/^'image' has no usable record of its components: /) as string,
  });
});

test('text that is no JSON, and a config that is none, are errors', async () => {
  expect(await failureOf(parse('{'))).toMatchObject({ code: 'STACK6005' });
  expect(await failureOf(parse({ ...record, components: [{ ...component, config: { Env: 1 } }] }))).toMatchObject({
    code: 'STACK6005',
  });
});

test('a layer that the image does not have is an error', async () => {
  const read = parseRecord(canonicalJson(record), "'image'");
  const image = { platform: { os: 'linux', architecture: 'amd64' }, steps: [] };
  expect(await failureOf(Promise.resolve().then(() => componentsIn(read, image, "'image'")))).toMatchObject({
    code: 'STACK5030',
    message: expect.stringContaining(digest) as string,
  });
});
