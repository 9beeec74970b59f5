import { Project } from './installed';

const MINUTE = 60_000;

let project: Project;
beforeAll(() => {
  project = Project.create('');
});
afterAll(() => {
  project.remove();
});

/** The error report of an app, whose own lines begin in line 4. */
function errorsOf(
  lines: string,
  ...args: readonly string[]
): { readonly status: number | string; readonly stderr: string } {
  const head =
    "const { App, Layer, StackError } = require('cdk-stack');\nconst { Construct } = require('constructs');\nconst app = new App();\n";
  project.write({ 'app.js': `${head}${lines}\n` });
  const { status, stderr } = project.stack(['ls', ...args]);
  return { status, stderr: stderr.replace('synth: node app.js\n', '') };
}

test.each([
  [
    'a taken id of an image',
    "new Layer(app, 'a');\nnew Layer(app, 'a');",
    /^error STACK2012: there already is a construct "a" in the app, created at app\.js:4:1\n {2}at a\n {2}created at app\.js:5:1\n/,
  ],
  [
    'a taken id of a construct of the app',
    "new Construct(app, 'a');\nnew Construct(app, 'a');",
    /^error STACK2012: there already is a construct "a" in the app\n {2}at a\n {2}created at app\.js:5:1\n/,
  ],
  [
    'a taken id further down',
    "const group = new Construct(app, 'group');\nnew Construct(group, 'a');\nnew Construct(group, 'a');",
    /^error STACK2012: there already is a construct "a" in "group"\n {2}at group\/a\n {2}created at app\.js:6:1\n/,
  ],
  [
    'an id that every object has',
    "new Construct(app, 'toString');",
    /^error STACK2012: the id "toString" cannot be used: every object has a member of that name\n {2}at toString\n {2}created at app\.js:4:1\n/,
  ],
  ['no id', "new Construct(app, '');", /^error STACK2012: .*empty ID.*\n {2}at app\.js:4:1\n/],
  [
    'a construct after synth',
    "new Layer(app, 'a'); app.synth();\nnew Construct(app, 'b');",
    /^error STACK2014: Cannot add children.*\n {2}at app\.js:5:1\n/,
  ],
  [
    'context after children',
    "new Layer(app, 'a');\napp.node.setContext('x', 1);",
    /^error STACK2016: Cannot set context after children have been added: a\n {2}at app\.js:5:10\n/,
  ],
  [
    'a value of the context that is absent',
    "app.context.boolean('debug');",
    /^error STACK2017: the context has no value "debug"\n {2}at app\.js:4:13\n/,
  ],
  ['a rejected promise', "Promise.reject(new StackError('STACK2013', 'no'));", /^error STACK2013: no\n/],
])(
  'an app that throws ends with that error alone, and no trace: %s',
  (_, lines, report) => {
    const { status, stderr } = errorsOf(lines);
    expect(stderr).toMatch(report);
    expect(stderr).not.toMatch(/^\s+at .*[():]\d+:\d+\)$/m);
    expect(status).toBe(4);
  },
  MINUTE,
);

test(
  'a value of the context that has another type is an error that names the option',
  () => {
    const { status, stderr } = errorsOf("app.context.boolean('debug');", '-c', 'debug=yes');
    expect(stderr).toMatch(
      /^error STACK2017: the value "debug" of the context is "yes", from --context; it must be true or false\n/,
    );
    expect(status).toBe(4);
  },
  MINUTE,
);

test(
  'an error of the app itself is shown as Node shows it, and one that the app catches is its own',
  () => {
    const own = errorsOf("throw new TypeError('mine');");
    expect(own.stderr).toMatch(/TypeError: mine\n\s+at /);
    expect(own.stderr).toMatch(/error STACK2001: the app exited with status 1: TypeError: mine\n/);
    const listener = "process.on('uncaughtException', () => { console.error('caught'); process.exit(3); });";
    expect(errorsOf(`${listener}\napp.context.boolean('x');`).stderr).toMatch(/caught[^]*exited with status 3/);
    const caught = "try { app.context.boolean('x'); } catch { new Layer(app, 'a'); }";
    expect(errorsOf(caught)).toMatchObject({ status: 0 });
  },
  MINUTE,
);

test(
  'inspecting what was never deployed says how to deploy it, and what was meant',
  () => {
    project.write({ 'app.js': "const { App, Layer } = require('cdk-stack');\nnew Layer(new App(), 'web');\n" });
    expect(project.stack(['inspect', 'web', '--to', 'oci:./never'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /error STACK6002: 'oci:\.\/never' has no image named 'web'\n {2}hint: run stack deploy web --to oci:\.\/never\n/,
      ) as string,
    });
    expect(project.stack(['inspect', 'wbe'])).toMatchObject({
      status: 6,
      stderr: expect.stringMatching(
        /error STACK1004: no image matches 'wbe'\n {2}hint: did you mean web\?\n/,
      ) as string,
    });
  },
  MINUTE,
);
