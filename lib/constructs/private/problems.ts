import { joinErrors, type ErrorCode, type ErrorPlace, StackError } from '../../core';

/** Reports what is wrong with one construct. */
export type Reporter = (code: ErrorCode, message: string, hint?: string) => void;

/** All that is wrong with an app: synth finds everything before it throws. */
export class Problems {
  private readonly found: StackError[] = [];

  /** Reports for one construct. */
  public at(place: ErrorPlace): Reporter {
    return (code, message, hint) => this.add(new StackError(code, message, { ...place, hint }));
  }

  public add(error: StackError): void {
    this.found.push(error);
  }

  /** @throws all problems as one error, if there are any */
  public throwAny(): void {
    const [first, ...others] = this.found;
    if (first !== undefined) throw joinErrors([first, ...others]);
  }
}
