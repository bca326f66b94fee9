/**
 * What the kernel needs of the machine under it. `board/` satisfies this structurally and does not
 * import it; `systems/testbed.ts` is where the compiler checks the fit.
 */

import type { Ram } from '../memory/ram.ts';
import type { MmioDevice } from '../memory/region.ts';

export interface Machine {
  readonly ram: Ram;
  /** Nanoseconds since power-on. */
  now(): number;
  /** Lets time pass for work done (virtual clock); does nothing under the host clock. */
  charge(deltaNs: number): void;
  /**
   * Asks for an end of the current run at this time: the kernel's own timer. `Infinity` for none.
   */
  setDeadline(atNs: number): void;
  /**
   * When something happens next by itself, or is due and waits for the processor to pause;
   * `Infinity` when never.
   */
  nextEventAt(): number;
  /**
   * @returns the interrupt that the controller presents, or 0; claiming it clears its pending bit
   */
  claimIrq(): number;
  /** Cheap test whether `claimIrq` would return an interrupt. */
  readonly irqPending: boolean;
  /** Tells the controller that the interrupt has been handled: it may be presented again. */
  completeIrq(irq: number): void;
  /** Lets the controller present this interrupt, or not. */
  enableIrq(irq: number): void;
  disableIrq(irq: number): void;
  readonly irqMax: number;
  /** The device whose registers lie at this physical address, and where they begin. */
  deviceAt(paddr: number): { readonly device: MmioDevice; readonly base: number } | undefined;
  /** Physical ranges of device registers, for the device untypeds of the boot information. */
  readonly deviceRanges: readonly { readonly base: number; readonly sizeBytes: number }[];
}
