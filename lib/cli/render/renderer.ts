import type { StackEvent } from '../../core';

/** Shows on standard error what happens while a command works. */
export interface Renderer {
  /** Shows an event. */
  handle(event: StackEvent): void;
  /** Shows a remark of the command itself. */
  note(text: string): void;
  /** Leaves the terminal to the user, until {@link resume}. */
  pause(): void;
  resume(): void;
  /** Leaves the terminal as it was found; nothing is shown afterwards. May be called twice. */
  stop(): void;
}
