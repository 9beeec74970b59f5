import fc from 'fast-check';
import { Construct } from 'constructs';
import { Layer, StackedImage, type IImage } from '../../lib';
import { dependenciesOf } from '../../lib/plan';
import { appWith, planOf, problemsOf, removeDirectories } from './fixture';

afterEach(removeDirectories);

test('the order of the array is the order of the layers, whatever the ids look like', () => {
  const id = fc.oneof(fc.nat({ max: 99 }).map(String), fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/));
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), (ids, picks) => {
      const app = appWith();
      const layers = ids.map((each) => new Layer(app, each, { imageName: `layer-${each}` }));
      const order = ids.map(() => layers[(picks.next().value as number) % layers.length]!);
      new StackedImage(app, 'the-stack', order);
      expect(planOf(app).images['the-stack']).toMatchObject({ components: order.map(({ node }) => node.path) });
    }),
    { numRuns: 30 },
  );
});

test('addDependency orders images without using them', () => {
  const app = appWith();
  const first = new Layer(app, 'first');
  const second = new Layer(app, 'second');
  second.node.addDependency(first);
  expect(planOf(app).images).toMatchObject({ second: { dependsOn: ['first'] } });
  expect(planOf(app).images['first']).not.toHaveProperty('dependsOn');
});

test('a dependency of groups is one of all their images', () => {
  const app = appWith();
  const [parts, wholes] = [new Construct(app, 'parts'), new Construct(app, 'wholes')];
  const a = new Layer(parts, 'a');
  new Layer(a, 'child');
  new Layer(parts, 'b');
  new Layer(wholes, 'x');
  new Layer(wholes, 'y', { from: a });
  wholes.node.addDependency(parts);
  const { images } = planOf(app);
  expect(images['wholes/x']).toMatchObject({ dependsOn: ['parts/a', 'parts/a/child', 'parts/b'] });
  expect(images['wholes/y']).toMatchObject({ dependsOn: ['parts/a/child', 'parts/b'] });
  expect(dependenciesOf(images['wholes/y']!)).toEqual(['parts/a', 'parts/a/child', 'parts/b']);
});

test('an image may depend on one below itself', () => {
  const app = appWith();
  const outer = new Layer(app, 'outer');
  outer.node.addDependency(new Layer(outer, 'inner'));
  expect(planOf(app).images).toMatchObject({ outer: { dependsOn: ['outer/inner'] } });
});

test('a circle through addDependency is an error that prints it', () => {
  const app = appWith();
  const a = new Layer(app, 'a');
  const b = new Layer(app, 'b', { from: a });
  a.node.addDependency(b);
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2005', path: 'a', message: 'images need each other in a circle: a -> b -> a' },
  ]);
});

test('a circle through an array that is changed later is an error', () => {
  const app = appWith();
  const components: IImage[] = [new Layer(app, 'part')];
  const inner = new StackedImage(app, 'inner', components);
  components.push(new StackedImage(app, 'outer', [inner]));
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2005', message: expect.stringMatching(/: inner -> outer -> inner$/) as string },
  ]);
});

test('an image that contains itself is a circle of one', () => {
  const app = appWith();
  const components: IImage[] = [];
  components.push(new StackedImage(app, 'self', components));
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2005', message: expect.stringMatching(/: self -> self$/) as string },
  ]);
});

test('two circles are two errors', () => {
  const app = appWith();
  for (const [one, other] of [
    ['a', 'b'],
    ['c', 'd'],
  ] as const) {
    const x = new Layer(app, one);
    x.node.addDependency(new Layer(app, other, { from: x }));
  }
  expect(problemsOf(app).map(({ message }) => message.split(': ')[1])).toEqual(['a -> b -> a', 'c -> d -> c']);
});

test('an image of another app is an error wherever it is used', () => {
  const app = appWith();
  const foreign = new Layer(appWith(), 'it');
  new Layer(app, 'base', { from: foreign });
  new Layer(app, 'file', { imports: [{ source: foreign.file('/a'), dest: '/' }] });
  new StackedImage(app, 'stacked', [foreign]);
  new Layer(app, 'after').node.addDependency(foreign);
  expect(problemsOf(app)).toMatchObject([
    { code: 'STACK2010', path: 'base', message: 'from is the image "it", which belongs to another app' },
    { code: 'STACK2010', path: 'file', message: expect.stringMatching(/^imports\[0\]\.source\.image is/) as string },
    { code: 'STACK2010', path: 'stacked', message: expect.stringMatching(/^components\[0\] is/) as string },
    { code: 'STACK2010', path: 'after', message: expect.stringMatching(/^a dependency is/) as string },
  ]);
});

test('an image of another app is told apart from one at the same path', () => {
  const app = appWith();
  new Layer(app, 'it');
  new StackedImage(app, 'stacked', [new Layer(appWith(), 'it')]);
  expect(problemsOf(app)).toMatchObject([{ code: 'STACK2010', path: 'stacked' }]);
});

test('an image that was removed from the tree is an error', () => {
  const app = appWith();
  const modules = new Layer(app, 'modules');
  new StackedImage(app, 'combined', [modules]);
  app.node.tryRemoveChild('modules');
  expect(problemsOf(app)).toMatchObject([
    {
      code: 'STACK2010',
      path: 'combined',
      message: 'components[0] is the image "modules", which was removed from the tree',
    },
  ]);
});
