import { errnoOf, messageOf, StackError, type ErrorCode, type StackErrorOptions } from '../core';
import { printableText } from './printable';

interface FailureFacts extends StackErrorOptions {
  /** Status of the answer; undefined when there was none. */
  readonly status?: number | undefined;
  /** Codes of the answer's body, such as `BLOB_UNKNOWN`. */
  readonly codes?: readonly string[] | undefined;
  /** Whether the same request may go well a moment later. */
  readonly isTransient?: boolean | undefined;
  /** Milliseconds the registry asks us to wait. */
  readonly retryAfter?: number | undefined;
}

/** A request that failed, with what decides how to go on. */
export class RequestFailure extends StackError {
  public readonly status: number | undefined;
  public readonly codes: readonly string[];
  public readonly isTransient: boolean;
  public readonly retryAfter: number | undefined;

  public constructor(code: ErrorCode, message: string, facts: FailureFacts = {}) {
    super(code, message, facts);
    this.status = facts.status;
    this.codes = facts.codes ?? [];
    this.isTransient = facts.isTransient ?? false;
    this.retryAfter = facts.retryAfter;
  }
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_ABORTED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
const CERTIFICATE = /CERT|UNABLE_TO_(?:GET|VERIFY)|SELF_SIGNED/;
const NOT_TLS = /wrong version number|packet length too long|EPROTO/i;

/** The failure of a request that got no answer, or only a part of one. What is a `StackError` already comes back as it is. */
export function connectionFailure(host: string, error: unknown): StackError {
  if (StackError.is(error)) return error;
  const actual = error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as unknown) : error;
  const code = codeOf(actual);
  const text = printableText(messageOf(actual));
  if (CERTIFICATE.test(code)) {
    return new RequestFailure('STACK6103', `the certificate of ${host} is not trusted: ${text} (${code})`, {
      hint: 'give the CA that signed it, in certs.d or as the ca of this host',
      cause: error,
    });
  }
  return new RequestFailure('STACK6102', `cannot reach ${host}: ${text === '' ? code : text}`, {
    isTransient: TRANSIENT.has(code),
    hint: hintFor(code, text),
    cause: error,
  });
}

function hintFor(code: string, text: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'look at the name of the registry, and at the network and its proxy';
  if (code === 'ECONNREFUSED') return 'nothing listens there: look at the port, and whether the registry runs';
  if (NOT_TLS.test(text) || NOT_TLS.test(code))
    return 'it speaks plain http: mark this host so if you trust the network';
  return 'look at the network and its proxy, then do it again';
}

function codeOf(error: unknown): string {
  const errno = errnoOf(error);
  if (errno !== undefined) return errno;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['TOOMANYREQUESTS', 'UNAVAILABLE', 'UNKNOWN']);

/** An answer with a status nobody expected. */
export interface Refusal {
  /** What was wanted, behind "cannot". */
  readonly what: string;
  /** Method and printable URL. */
  readonly request: string;
  readonly registry: string;
  readonly status: number;
  /** The answer's body, or the beginning of a long one. */
  readonly body: Buffer;
  readonly retryAfter?: number | undefined;
}

/** The failure that an answer stands for. */
export function responseFailure({ what, request, registry, status, body, retryAfter }: Refusal): RequestFailure {
  const errors = parseErrors(body);
  const codes = errors.map(({ code }) => code);
  const isTransient = TRANSIENT_STATUS.has(status) || codes.some((code) => TRANSIENT_CODES.has(code));
  const reasons = errors.map(({ code, message }) => (message === '' ? code : `${code}: ${message}`)).join('; ');
  const { code, hint } = meaningOf(status, isTransient, registry);
  const text = `cannot ${what}: ${request} answered ${String(status)}${reasons === '' ? '' : ` (${printableText(reasons)})`}`;
  return new RequestFailure(code, text, { status, codes, isTransient, retryAfter, hint });
}

function meaningOf(
  status: number,
  isTransient: boolean,
  registry: string,
): { code: ErrorCode; hint: string | undefined } {
  if (isTransient) return { code: 'STACK6112', hint: 'the registry is ill or wants fewer requests; do it again later' };
  switch (status) {
    case 401:
      return { code: 'STACK6104', hint: `log in: docker login ${registry}, or skopeo login ${registry}` };
    case 403:
      return { code: 'STACK6106', hint: 'the account in use may not do this; look at its rights in the registry' };
    case 404:
      return { code: 'STACK6107', hint: 'look at the name, the tag, and whether the account in use may see it' };
    default:
      return { code: 'STACK6113', hint: undefined };
  }
}

function parseErrors(body: Buffer): readonly { readonly code: string; readonly message: string }[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return []; // a proxy's page, or nothing
  }
  const errors = typeof parsed === 'object' && parsed !== null && 'errors' in parsed ? parsed.errors : undefined;
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 5).flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const { code, message } = entry as Readonly<Record<string, unknown>>;
    return typeof code === 'string' ? [{ code, message: typeof message === 'string' ? message : '' }] : [];
  });
}
