import { Construct } from 'constructs';
import { App, Layer, StackError } from '../../lib';
import { appWith, removeDirectories } from './fixture';

afterEach(removeDirectories);

function thrown(action: () => unknown): StackError {
  try {
    action();
  } catch (error) {
    if (StackError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('the id %s has an error of its own', (id) => {
  const app = appWith();
  expect(thrown(() => new Layer(app, id))).toMatchObject({
    code: 'STACK2012',
    constructPath: id,
    message: `the id "${id}" cannot be used: every object has a member of that name`,
  });
});

test.each(['', undefined])('the id %j is an error', (id) => {
  const error = thrown(() => new Layer(new Construct(new App(), 'group'), id as string));
  expect(error).toMatchObject({ code: 'STACK2012', message: 'an image in "group" has no id' });
});

test('a taken id is an error that says where it was taken', () => {
  const app = appWith();
  new Layer(app, 'kernel');
  const error = thrown(() => new Layer(app, 'kernel'));
  expect(error.code).toBe('STACK2012');
  expect(error.message).toMatch(
    /^there already is a construct "kernel" in the app, created at test\/constructs\/ids\.test\.ts:\d+:3$/,
  );
  expect(error.source).toMatch(/^test\/constructs\/ids\.test\.ts:\d+:\d+$/);
});

test('a slash in an id is replaced, as constructs does it', () => {
  expect(new Layer(appWith(), 'a/b').imageName).toBe('a--b');
});

test('no image can be created once the app is synthesized', () => {
  const app = appWith();
  new Layer(app, 'early');
  app.synth();
  expect(thrown(() => new Layer(app, 'late'))).toMatchObject({ code: 'STACK2014', constructPath: 'late' });
});

test('an app with errors can be mended and synthesized again', () => {
  const app = appWith();
  expect(thrown(() => app.synth()).code).toBe('STACK2002');
  new Layer(app, 'it');
  expect(Object.keys(app.synth().plan.images)).toEqual(['it']);
});
