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
    maxBuffer: 64 * 1024 * 1024,
  });
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  const peak = Number(/PEAK (\d+)/.exec(stderr)?.[1] ?? NaN) / 1000;
  if (status !== 0) throw new Error(`${command} failed:\n${stderr.slice(-5000)}`);
  return { wall, peak };
}

/** Seconds a shell command takes, the median of some runs. */
export function medianWall(times: number, run: () => Run): number {
  return median(Array.from({ length: times }, () => run().wall));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

/** One way to do what is compared. */
export interface Contender {
  /** How it does it, as the line of the result says. */
  readonly name: string;
  /** Runs before each run, outside of the measurement. */
  readonly reset: () => void;
  readonly run: () => Run;
}

/** Ours and a peer compared round by round, so that a drifting machine slows both. */
export interface Comparison {
  readonly peer: string;
  readonly ours: Run;
  readonly theirs: Run;
  /** Median of ours/theirs over the rounds. */
  readonly ratio: number;
}

/** Runs ours and the peers in turn: once to warm up, then `rounds` times. */
export function compare(ours: Contender, peers: readonly Contender[], rounds: number): Comparison[] {
  const runs = [ours, ...peers].map((contender) => ({ contender, runs: [] as Run[] }));
  for (let round = -1; round < rounds; round++) {
    for (const each of runs) {
      each.contender.reset();
      const run = each.contender.run();
      if (round >= 0) each.runs.push(run);
    }
  }
  const [own, ...others] = runs.map((each) => each.runs);
  return others.map((theirs, index) => ({
    peer: peers[index]!.name,
    ours: summary(own!),
    theirs: summary(theirs),
    ratio: median(theirs.map((run, round) => own![round]!.wall / run.wall)),
  }));
}

/** The median time and the largest memory of some runs. */
export function summary(runs: readonly Run[]): Run {
  return { wall: median(runs.map((run) => run.wall)), peak: Math.max(...runs.map((run) => run.peak)) };
}
