import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, redactCredentials, run, runStream, StackError, type Exit, type RunResult } from '../../core';
import { lookAtHost } from './host-facts';
import { namespaceRefused, whyNoNamespace } from './namespace-problems';
import { dyingWithUs, MISSING_TOOL_HINT, start, tailOf, toolEnvironment, type Command } from './process';

const USER_NAMESPACE = ['--user', '--map-root-user', '--map-auto'];
/** Exit status for a program that is not there. */
const NOT_FOUND = 127;

/** How a tool is run in a namespace. */
export interface ToolOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Who we are while trees are unpacked, changed and read: root, or an unprivileged user's idea of root, which is a user
 * namespace where the user is id 0 and a range of subordinate ids are the others (user_namespaces(7), subuid(5)).
 * A file made in it has the id it should have when it is looked at from in it; from outside, its ids are shifted.
 */
export class Namespace {
  /**
   * Finds out what this process may do.
   * @throws StackError STACK4010 when no namespace with enough ids can be made; the hint says what to set up.
   * STACK3013 when GNU tar is not installed
   */
  public static async detect(options: ToolOptions = {}): Promise<Namespace> {
    const host = lookAtHost();
    const why = whyNoNamespace(host);
    if (why !== undefined) throw why;
    const namespace =
      host.uid === 0 ? new Namespace([], host.isInitialNamespace) : new Namespace(USER_NAMESPACE, false);
    const { status, stdout, stderr } = await namespace.run('tar', ['--version'], options);
    if (status !== 0 && status !== NOT_FOUND) throw namespaceRefused(host, stderr);
    if (!stdout.includes('GNU tar')) {
      throw new StackError('STACK3013', 'GNU tar is not installed', { hint: 'install the package tar' });
    }
    return namespace;
  }

  private constructor(
    /** What unshare(1) needs to be told to get there; nothing where we are there already. */
    public readonly unshareArguments: readonly string[],
    /** Whether it is the namespace the system started with: only there may root make devices and `trusted` attributes. */
    public readonly isInitial: boolean,
  ) {}

  /** Whether device nodes can be made; elsewhere a tree to materialize must not have any but whiteouts. */
  public get canMakeDevices(): boolean {
    return this.isInitial;
  }

  /** The extended attribute, with value `y`, by which overlayfs here marks a directory that hides what lies below it. */
  public get opaqueXattr(): 'trusted.overlay.opaque' | 'user.overlay.opaque' {
    return this.isInitial ? 'trusted.overlay.opaque' : 'user.overlay.opaque';
  }

  /**
   * Runs a tool as root of the namespace. A failing exit status is the caller's to judge.
   * @throws StackError STACK3013 when it is not installed; the signal's reason when aborted
   */
  public run(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<RunResult> {
    const [program, ...rest] = this.command(tool, args);
    return run(program, rest, { ...options, env: toolEnvironment(), missingHint: MISSING_TOOL_HINT });
  }

  /** Streams what a tool writes, as root of the namespace; the stream fails if the tool does. */
  public stream(
    tool: string,
    args: readonly string[],
    options: ToolOptions & { readonly failure: (exit: Exit) => Error },
  ): Readable {
    const [program, ...rest] = this.command(tool, args);
    return runStream(program, rest, { ...options, env: toolEnvironment(), missingHint: MISSING_TOOL_HINT });
  }

  /**
   * Runs a tool as root of the namespace and gives it something to read.
   * @throws StackError STACK3013; what `input` fails with; the signal's reason when aborted
   */
  public async feed(
    tool: string,
    args: readonly string[],
    input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    { signal }: ToolOptions = {},
  ): Promise<Exit> {
    const { child, ended } = start(this.command(tool, args), { stdio: ['pipe', 'ignore', 'pipe'], signal });
    const stderr = tailOf(child.stderr);
    const fed = child.stdin === null ? undefined : pipeline(input, child.stdin);
    const [end, feeding] = await Promise.allSettled([ended, fed]);
    if (end.status === 'rejected') throw end.reason;
    // A tool that fails does not read on: then it is the tool that has something to say.
    if (feeding.status === 'rejected' && (end.value === 0 || !isBrokenPipe(feeding.reason))) throw feeding.reason;
    return { status: end.value, stderr: redactCredentials(stderr()) };
  }

  private command(tool: string, args: readonly string[]): Command {
    const inside = this.unshareArguments.length === 0 ? [] : ['unshare', ...this.unshareArguments, '--'];
    return dyingWithUs([...inside, tool, ...args]);
  }
}

function isBrokenPipe(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
