import { setTimeout as sleepFor } from 'node:timers/promises';
import { RequestFailure } from './failure';

/** How often and when a request that failed in passing is sent again. */
export interface RetryPolicy {
  /** Most times it is sent. @default 6 */
  readonly attempts: number;
  /** Milliseconds before the second time; doubled each time. @default 250 */
  readonly minDelay: number;
  /** Most milliseconds between two times. @default 20000 */
  readonly maxDelay: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, minDelay: 250, maxDelay: 20_000 };

/** Most milliseconds that a Retry-After is obeyed for. */
const MAX_RETRY_AFTER = 60_000;

/** Milliseconds before the attempt behind the given one: doubled each time, between half and all of it by chance. */
export function backoff(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(policy.maxDelay, policy.minDelay * 2 ** attempt);
  return Math.round(whole / 2 + (whole / 2) * random());
}

/** Milliseconds that a Retry-After header asks for, in seconds or as a date, bounded; undefined when it cannot be read. */
export function parseRetryAfter(text: string | undefined, now: number = Date.now()): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.min(MAX_RETRY_AFTER, Math.max(0, wait));
}

/** Whether the same may go well a moment later. */
export function isTransient(error: unknown): error is RequestFailure {
  return error instanceof RequestFailure && error.isTransient;
}

/** How long to wait after a failure: at least as long as the registry asks. */
export function delayAfter(policy: RetryPolicy, attempt: number, failure: RequestFailure): number {
  return Math.max(backoff(policy, attempt), failure.retryAfter ?? 0);
}

/**
 * Does some work until it goes well, fails for good, or was tried often enough.
 * @param onRetry told before each pause
 * @throws what the last attempt threw; the signal's reason when aborted
 */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  onRetry: (failure: RequestFailure, milliseconds: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || attempt + 1 >= policy.attempts) throw error;
      const milliseconds = delayAfter(policy, attempt, error);
      onRetry(error, milliseconds);
      await sleep(milliseconds, signal);
    }
  }
}

/** @throws the signal's reason when aborted */
export async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleepFor(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
