/**
 * What a program does wrong with a class of ours, or finds in memory that others write: a fault of
 * the domain that runs it, and never the end of the run. Our own bugs are assertions (`assert.ts`).
 */

/**
 * Thrown by {@link demand}. The runtime makes a fault of it, as of every error that a program lets
 * escape.
 */
export class Misuse extends Error {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  override readonly name = 'Misuse';
}

/**
 * Holds a program to what a class asks of it.
 *
 * @param message says what is wrong, with the values; a constant string where the check is on a hot
 * path
 */
export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Misuse(message);
}
