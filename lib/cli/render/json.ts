import { redactCredentials, type StackEvent } from '../../core';
import type { OutputStream } from '../io';
import type { Renderer } from './renderer';

/** Events as they are, one JSON document a line, for programs that watch. */
export class JsonRenderer implements Renderer {
  public constructor(private readonly stream: OutputStream) {}

  public handle(event: StackEvent): void {
    this.stream.write(`${redactCredentials(JSON.stringify(event))}\n`);
  }

  public note(): void {
    // What notes say is part of the result.
  }

  public pause(): void {
    // Lines are whole, so anything may come between them.
  }

  public resume(): void {
    // As above.
  }

  public stop(): void {
    // Nothing is open.
  }
}
