/** Why an attempt to download something ended early, where another one may well succeed. */
export class Interruption extends Error {
  /**
   * @param reason for the user
   * @param wait milliseconds the server asks to wait
   */
  public constructor(
    reason: string,
    public readonly wait = 0,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}
