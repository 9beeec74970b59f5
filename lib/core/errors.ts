import { ERROR_CODES, type ErrorCode } from './codes';
import { redactCredentials } from './redact';

const MARKER = Symbol.for('cdk-stack.StackError');

/** Where an error belongs: the construct, and the line of the user's code that created it. */
export interface ErrorPlace {
  /** Path of the construct in the tree, such as `images/kernel`. */
  readonly constructPath?: string | undefined;
  /** `file:line:column` of the user's code, relative to the app's directory. */
  readonly source?: string | undefined;
}

/** What a `StackError` carries besides its message. */
export interface StackErrorOptions extends ErrorPlace {
  /** What to do about it, in one line. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error with a stable code, a place in the user's app and a hint.
 * Everything cdk-stack throws on purpose is one of these; anything else is a fault of cdk-stack.
 */
export class StackError extends Error {
  /** Tells a `StackError` apart, also one of another copy of this package. */
  public static is(error: unknown): error is StackError {
    return typeof error === 'object' && error !== null && MARKER in error;
  }

  public override readonly name = 'StackError';
  public readonly code: ErrorCode;
  public readonly constructPath: string | undefined;
  public readonly source: string | undefined;
  public readonly hint: string | undefined;
  /** The further errors of a report that holds more than one; empty otherwise. */
  public readonly others: readonly StackError[];

  public constructor(
    code: ErrorCode,
    message: string,
    options: StackErrorOptions = {},
    others: readonly StackError[] = [],
  ) {
    // Messages quote what users and servers wrote, and end up in logs.
    super(redactCredentials(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.constructPath = options.constructPath;
    this.source = options.source;
    this.hint = options.hint === undefined ? undefined : redactCredentials(options.hint);
    this.others = others;
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** Exit status of the command for this error. */
  public get exitStatus(): number {
    return ERROR_CODES[this.code].exit;
  }

  /** This error with a place added, where it has none yet; and so its others. */
  public at(place: ErrorPlace): StackError {
    if (this.constructPath !== undefined) return this;
    const located = new StackError(
      this.code,
      this.message,
      { constructPath: place.constructPath, source: place.source, hint: this.hint, cause: this.cause },
      this.others.map((error) => error.at(place)),
    );
    if (this.stack !== undefined) located.stack = this.stack;
    return located;
  }

  /** All errors of the report, this one first. */
  public all(): readonly StackError[] {
    return [this, ...this.others];
  }

  /** The JSON form that `--json` prints and the app hands to the command. */
  public toJSON(): StackErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.constructPath === undefined ? {} : { path: this.constructPath }),
      ...(this.source === undefined ? {} : { source: this.source }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.others.length === 0 ? {} : { others: this.others.map((error) => error.toJSON()) }),
    };
  }
}

/** A `StackError` as JSON. */
export interface StackErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path?: string;
  readonly source?: string;
  readonly hint?: string;
  readonly others?: readonly StackErrorJson[];
}

/**
 * Joins the errors of one report into a single error to throw: the first carries the others.
 * @throws nothing; `errors` must not be empty.
 */
export function joinErrors(errors: readonly [StackError, ...StackError[]]): StackError {
  const [first, ...rest] = errors.flatMap((error) => error.all());
  if (first === undefined || rest.length === 0) return errors[0];
  return new StackError(
    first.code,
    first.message,
    { constructPath: first.constructPath, source: first.source, hint: first.hint, cause: first.cause },
    rest.map((error) => (error.others.length === 0 ? error : new StackError(error.code, error.message, error))),
  );
}

/** The `code` of a failed system call, such as `ENOENT`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string')
    return undefined;
  return /^E(?!RR_)[A-Z0-9]+$/.test(error.code) ? error.code : undefined; // Node's own begin with ERR_
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a system call failed because the disk, or the user's share of it, is full. */
export function isFullDisk(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

const LARGER_STORE = 'set STACK_HOME to a directory on a larger file system';
const LARGER_PLACE = 'write to a directory on a larger file system';

/**
 * Turns a failed write into an error that tells a full disk from everything else. A `StackError` comes back as it is.
 * @param code of the room that was written to: STACK7001 is the store
 * @param what was written, with its directory
 */
export function writeFailure(code: ErrorCode, what: string, error: unknown): StackError {
  if (StackError.is(error)) return error;
  if (isFullDisk(error)) {
    return new StackError('STACK7002', `no space left while writing ${what}`, {
      hint: `free some space there, or ${code === 'STACK7001' ? LARGER_STORE : LARGER_PLACE}; nothing half-written was kept`,
      cause: error,
    });
  }
  return new StackError(code, `cannot write ${what}: ${messageOf(error)}`, { cause: error });
}
