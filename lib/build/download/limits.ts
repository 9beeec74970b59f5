/** Bounds of a download. */
export interface DownloadLimits {
  /** Milliseconds without a byte after which a connection counts as dead. The whole may take as long as it needs. */
  readonly idle: number;
  /** Bytes of the largest file. */
  readonly size: number;
  /** Attempts in a row that bring the transfer no further. */
  readonly attempts: number;
  /** Milliseconds to wait before the second attempt; each further wait is twice as long. */
  readonly backoff: number;
  /** Milliseconds to wait at most, whatever the server asks for. */
  readonly wait: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  idle: 30_000,
  size: 64 * 1024 ** 3,
  attempts: 5,
  backoff: 500,
  wait: 60_000,
};

/** As many redirects as curl and browsers are used to. */
export const MAX_REDIRECTS = 10;
