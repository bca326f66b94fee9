/**
 * The interrupts of the PL011: what is pending, what of it is let through, and the line's level.
 */

import type { IrqLine } from '../device.ts';

export class Pl011Interrupts {
  readonly #irq: IrqLine;
  /** UARTRIS: pending, whether masked or not. */
  pending = 0;
  /** UARTIMSC: 1 lets an interrupt through. */
  mask = 0;
  #level = 0;

  constructor(irq: IrqLine) {
    this.#irq = irq;
  }

  raise(interrupt: number): void {
    this.pending |= interrupt;
    this.update();
  }

  /** Pending or masked interrupts have changed. */
  update(): void {
    const level = (this.pending & this.mask) === 0 ? 0 : 1;
    if (level === this.#level) return;
    this.#level = level;
    if (level === 1) this.#irq.raise();
    else this.#irq.lower();
  }

  /** The line is lowered by the next {@link update}. */
  reset(): void {
    this.pending = 0;
    this.mask = 0;
  }
}
