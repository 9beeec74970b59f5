import { spawnSync } from 'node:child_process';

/** One run of a command as a whole process tree. */
export interface Run {
  /** Seconds. */
  readonly wall: number;
  /** Largest resident set of one process, MB. */
  readonly peak: number;
}

/** Times a shell command from outside, with GNU time for the memory. */
export function measure(command: string, env: NodeJS.ProcessEnv = process.env): Run {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', 'PEAK %M', 'bash', '-o', 'pipefail', '-ec', command], {
    encoding: 'utf8',
    env,
  });
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  const peak = Number(/PEAK (\d+)/.exec(stderr)?.[1] ?? NaN) / 1000;
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`);
  return { wall, peak };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

/** Two commands compared pair by pair, so that a drifting machine slows both. */
export interface Comparison {
  readonly ours: Run;
  readonly theirs: Run;
  /** Median of ours/theirs over the pairs. */
  readonly ratio: number;
}

/**
 * Runs ours and theirs in turn: once to warm up, then `pairs` times.
 * @param reset runs before each command, outside of the measurement
 */
export function compare(ours: () => Run, theirs: () => Run, pairs: number, reset: () => void): Comparison {
  const runs: { ours: Run; theirs: Run }[] = [];
  for (let pair = -1; pair < pairs; pair++) {
    reset();
    const a = ours();
    reset();
    const b = theirs();
    if (pair >= 0) runs.push({ ours: a, theirs: b });
  }
  const of = (side: 'ours' | 'theirs'): Run => ({
    wall: median(runs.map((run) => run[side].wall)),
    peak: Math.max(...runs.map((run) => run[side].peak)),
  });
  return { ours: of('ours'), theirs: of('theirs'), ratio: median(runs.map((run) => run.ours.wall / run.theirs.wall)) };
}
