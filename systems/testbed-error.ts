/** Why a system cannot be run on a board. */

import type { BoardLack } from '../microkit/initialiser/root-task.ts';

/** The system cannot be run; the message is one line for the user. */
export class TestbedError extends Error {
  override readonly name = 'TestbedError';
  /** What the board would need more of, if that is what is wrong. */
  readonly lack: BoardLack | undefined;

  constructor(message: string, lack?: BoardLack) {
    super(message);
    this.lack = lack;
  }
}
