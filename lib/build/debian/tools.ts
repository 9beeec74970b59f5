import type { Readable } from 'node:stream';
import { run, runStream, type Exit, type RunResult } from '../../core';

/** A tool of Debian's that is used here. No maintainer script is ever run, so nothing else is needed. */
export type DebianTool = 'apt-get' | 'apt-cache' | 'dpkg-deb';

interface ToolOptions {
  readonly cwd?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxOutput?: number | undefined;
}

const MISSING_HINT =
  'apt-get, apt-cache and dpkg-deb are part of Debian and Ubuntu; elsewhere install the packages apt and dpkg, or deploy in a Debian container';

/** Runs a tool of Debian's, whose messages are then in English and uncoloured. */
export function runTool(tool: DebianTool, args: readonly string[], options: ToolOptions = {}): Promise<RunResult> {
  return run(tool, args, { ...options, env: environment(), missingHint: MISSING_HINT });
}

/** Streams the output of a tool of Debian's; the stream fails if the tool does. */
export function streamTool(
  tool: DebianTool,
  args: readonly string[],
  options: Pick<ToolOptions, 'signal'> & { readonly failure: (exit: Exit) => Error },
): Readable {
  return runStream(tool, args, { ...options, env: environment(), missingHint: MISSING_HINT });
}

/** Ours, for proxies and the like, with the settings that messages are parsed by. */
function environment(): NodeJS.ProcessEnv {
  const settings = {
    LC_ALL: 'C',
    LANGUAGE: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
    DPKG_COLORS: 'never',
    APT_COLOR: '0',
  };
  return { ...process.env, ...settings };
}
