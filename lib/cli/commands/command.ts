import type { Assembly } from '../../plan';
import type { Style } from '../io';
import type { Renderer } from '../render';
import type { Settings } from '../settings';

/** What a command works with. */
export interface CommandContext {
  readonly settings: Settings;
  /** The words of the command line that are no options. */
  readonly operands: readonly string[];
  readonly renderer: Renderer;
  readonly signal: AbortSignal;
  /** The directory the command was started in. */
  readonly cwd: string;
  /** Whether somebody sits at a terminal. */
  readonly isInteractive: boolean;
  /** Asks them; whether the answer is yes. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Version of this package. */
  readonly version: string;
  /** Whether the app's output may have colors. */
  readonly color: boolean;
  /** Tells which app is at work, so that an error report can name its constructs. */
  readonly loaded: (assembly: Assembly) => void;
}

/** What a command found out: for programs, and for people. */
export interface CommandResult {
  /** What `--json` prints. */
  readonly document: unknown;
  /** What is printed otherwise; may be empty. */
  readonly text: (style: Style) => string;
  /** Exit status; default 0. */
  readonly exitStatus?: number;
}

/** A verb: it works through the library and prints nothing. */
export type Command = (context: CommandContext) => Promise<CommandResult>;
