/**
 * Assertions: for our own bugs only, and always on (design rule 6).
 *
 * What another side can cause is never an assertion: it is a value, or a fault that names who is to
 * blame. What a program does wrong with a class of ours is a `Misuse` (`misuse.ts`).
 */

/** Ends the whole run: never taken for a fault of the program on whose stack it is thrown. */
export abstract class RunFailure extends Error {}

/**
 * Thrown by {@link assert}; nothing in the testbed catches it except a test runner and the command
 * line's last resort.
 */
export class AssertionFailure extends RunFailure {
  override readonly name = 'AssertionFailure';
}

/**
 * Checks an invariant of the testbed itself.
 *
 * @param condition what must hold
 * @param message a constant string, so that a check on a hot path builds nothing when it holds
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Marks a branch that the types have already excluded. */
export function unreachable(value: never, message: string): never {
  throw new AssertionFailure(`${message}: ${String(value)}`);
}
