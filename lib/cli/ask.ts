import { createInterface } from 'node:readline';
import type { Io } from './io';

/**
 * Asks a question on the terminal.
 * @returns whether the answer is yes; an input that ends is a no
 * @throws the signal's reason when aborted
 */
export async function confirm({ stdin, stderr }: Io, question: string, signal: AbortSignal): Promise<boolean> {
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  const stop = (): void => {
    lines.close();
  };
  signal.addEventListener('abort', stop);
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => {
        resolve('');
      });
    });
    signal.throwIfAborted();
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
  }
}
