/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;

/** Reports the first time, and then no more often than anybody could read. */
export function throttled<A extends readonly unknown[]>(report: (...progress: A) => void): (...progress: A) => void {
  let last = -Infinity;
  return (...progress) => {
    const now = performance.now();
    if (now - last < REPORT_EVERY) return;
    last = now;
    report(...progress);
  };
}
