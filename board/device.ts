/**
 * What a device model is given, and what it gives. A model gets these narrow things only, never the
 * whole board: its interrupt line, the clock, a DMA window, its wire.
 */

import type { MmioDevice } from '../memory/region.ts';

/** A level-triggered interrupt line from a device to the interrupt controller. */
export interface IrqLine {
  raise(): void;
  lower(): void;
}

/** A piece of work that a device does in the board's turn. */
export interface Turn {
  /** Does what is due now; may mark itself due again. */
  work(): void;
}

/**
 * Where a device says that it has work. A register write only marks the device due; the work is
 * done in the board's turn (live) or at the event's time (virtual), so that batches form as they do
 * on hardware.
 */
export interface TurnQueue {
  /** Marks `turn` due; marking it twice before it runs has no further effect. */
  markDue(turn: Turn): void;
}

/** A device model: registers on the bus, and work in the board's turn. */
export interface Device extends MmioDevice {
  /** Back to the state after power-on. */
  reset(): void;
  /** The visible state by name, for dumps and tests. */
  snapshot(): Record<string, unknown>;
}

/** A range of RAM: offsets, `start` below `end`. Added to `base`, an offset is an address. */
export interface DmaSpan {
  readonly base: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The DMA window of a device: which physical addresses it can reach.
 */
export interface DmaWindow {
  /** The window, where it is one range; for loops that look for themselves. */
  readonly span?: DmaSpan | undefined;
  /**
   * Translates a range of physical addresses.
   *
   * @param low low 32 bits of the physical address
   * @param high high 32 bits
   * @returns the offset in RAM, or -1 when the window does not hold the whole range (the refusal is
   * counted)
   */
  translate(low: number, high: number, lengthBytes: number): number;
  /**
   * As {@link DmaWindow.translate}, but a refusal is not counted: for a look that falls back to one
   * that counts.
   */
  find(low: number, high: number, lengthBytes: number): number;
}

/** Told when a driver breaks a rule of a specification. */
export interface Lint {
  /**
   * @param clause the clause of the specification, such as "virtio 1.2 §2.7.13.3.1"
   * @param when whether it shows in a register access, which is under way, or in what the driver
   * has left in memory
   */
  report(device: string, clause: string, what: string, when?: 'access' | 'later'): void;
}

/**
 * What a device does when a driver breaks a rule that it can do without: 'lenient', it goes on as
 * QEMU's devices do; 'strict', it refuses. Both report it.
 */
export type DeviceRules = 'lenient' | 'strict';

/** A part of a device model: keeps what it is given, see there. */
export { Configured as DevicePart } from '../memory/configured.ts';
