/**
 * The host's doorbell: an interrupt line without registers, by which a program that lives in
 * `host/` learns that something has happened outside. It stays up until the program answers it, so
 * that no ring is lost.
 */

import type { IrqLine } from './device.ts';

export class Doorbell {
  readonly #line: IrqLine;
  #wake: () => void = () => undefined;

  constructor(line: IrqLine) {
    this.#line = line;
  }

  /** Called at every ring: a board that sleeps has to be woken. */
  onRing(wake: () => void): void {
    this.#wake = wake;
  }

  /** From the host: something waits. */
  ring(): void {
    this.#line.raise();
    this.#wake();
  }

  /** From the program, before it looks at what waits. */
  answer(): void {
    this.#line.lower();
  }
}
