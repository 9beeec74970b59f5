import * as path from 'node:path';
import { RootConstruct, type IConstruct } from 'constructs';
import { StackError } from '../core';
import type { Plan } from '../plan';
import type { AppProps } from './app-props';
import { Context } from './context';
import { isObject } from './private/checks';
import { commandContext, commandOrigins, commandOutdir, leaveToCommand, reportUncaught } from './private/command';
import { isInstance, isMarked, mark } from './private/marker';
import { captureStack, type CapturedStack } from './private/source-line';
import type * as synthesizer from './private/synthesize';

const MARKER = Symbol.for('cdk-stack.App');

/** What an app was synthesized to. */
export interface SynthResult {
  /** The output directory, absolute. */
  readonly directory: string;
  /** The plan in it. Throws what was wrong with the app when the `stack` command was told so. */
  readonly plan: Plan;
}

/**
 * The root of the construct tree.
 *
 * Run by the `stack` command, an app synthesizes itself when its process has nothing left to do; a call of `synth()` does no harm.
 * Otherwise call `synth()`.
 *
 * @example
 * const app = new App();
 * new Layer(app, 'kernel', { imports: [{ source: 'out/boot/', dest: '/kernel' }] });
 */
export class App extends RootConstruct {
  /** Tells an `App` apart, also one of another copy of this package. */
  public static isApp(x: unknown): x is App {
    return isMarked(x, MARKER);
  }

  public static override [Symbol.hasInstance](x: unknown): boolean {
    return isInstance(this, App, x, MARKER);
  }

  /**
   * The app a construct belongs to.
   * @throws STACK2006 when its root is another kind of construct
   */
  public static of(construct: IConstruct): App {
    const { root } = construct.node;
    if (App.isApp(root)) return root;
    throw new StackError('STACK2006', 'the root of the construct tree is not an App', {
      constructPath: construct.node.path,
      hint: 'create an App, and pass it as the scope of the uppermost constructs',
    });
  }

  /** The app that the command takes the output of; there is only one place for it. */
  private static underCommand: App | undefined;

  /** The app's directory, absolute: where relative paths start. */
  public readonly directory: string;
  /** Where the app is synthesized to, absolute; run by the `stack` command, a directory that becomes its output in the end. */
  public readonly outdir: string;

  /** The values given by `-c`, `STACK_CONTEXT`, `cdk-stack.json` and `new App({ context })`, by type. */
  public readonly context: Context;

  readonly #props: unknown;
  readonly #stack: CapturedStack;
  #result: SynthResult | undefined;

  /** @throws STACK1005 when the context of the `stack` command cannot be read */
  public constructor(props: AppProps = {}) {
    super();
    reportUncaught();
    this.#props = props;
    this.#stack = captureStack(App);
    // Without a type check the properties may be anything; synth reports that.
    const given: Readonly<Record<string, unknown>> = isObject(props) ? { ...props } : {};
    this.directory = path.resolve(textOr('.', given['directory']));
    this.outdir = path.resolve(this.directory, commandOutdir() ?? textOr('synth.out', given['outdir']));
    const context = isObject(given['context']) ? given['context'] : {};
    for (const [key, value] of Object.entries({ ...context, ...commandContext() })) this.node.setContext(key, value);
    this.context = new Context(this.node, originsOf(context));
    if (commandOutdir() !== undefined) {
      App.underCommand ??= this;
      process.once('beforeExit', () => this.synth());
    }
  }

  /**
   * Checks the whole app and writes the output directory; the old one stays when anything is wrong. Once that is done no construct
   * can be added, and further calls give the same result.
   *
   * Run by the `stack` command, an app with errors leaves them to the command instead of throwing, and ends with status 1.
   * @throws everything that is wrong with the app, as one StackError (STACK2002 to STACK2010, STACK2013, STACK2015);
   *   STACK1007 or STACK7002 when the output directory cannot be written
   */
  public synth(): SynthResult {
    this.#result ??= this.#synthesize();
    return this.#result;
  }

  #synthesize(): SynthResult {
    const directory = this.outdir;
    try {
      if (commandOutdir() !== undefined && App.underCommand !== this) throw secondApp();
      const plan = loadSynthesizer().synthesize({
        root: this,
        props: this.#props,
        stack: this.#stack,
        directory: this.directory,
        outdir: directory,
      });
      this.node.lock();
      return { directory, plan };
    } catch (error) {
      if (!leaveToCommand(error)) throw error;
      return {
        directory,
        get plan(): Plan {
          throw error;
        },
      };
    }
  }
}

mark(App.prototype, MARKER);

function textOr(fallback: string, value: unknown): string {
  return typeof value === 'string' ? value : fallback;
}

function originsOf(context: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const own = Object.keys(context).map((key) => [key, 'new App({ context })'] as const);
  const passed = Object.keys(commandContext()).map((key) => [key, 'the command'] as const);
  const told = Object.entries(commandOrigins()).map(([key, origin]) => [key, String(origin)] as const);
  return new Map([...own, ...passed, ...told]);
}

/** Half of the code is only needed to synthesize, and not by who merely imports the package. */
function loadSynthesizer(): typeof synthesizer {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would be paid at every start
  return require('./private/synthesize') as typeof synthesizer;
}

function secondApp(): StackError {
  const hint = 'create one App, or synthesize the others by programs of their own';
  return new StackError('STACK2015', 'the program creates another App, but the command takes the output of one', {
    hint,
  });
}
