/**
 * The machine under a replay: RAM, one range of device memory, no devices, and time that passes by
 * charges alone.
 */

import type { Ram } from '../../memory/ram.ts';
import type { Machine } from '../machine.ts';

/** The platform of the traces has interrupts 1 to 96, the last of them the kernel's timer. */
const IRQ_MAX = 96;
export const DEVICE_MEMORY_BASE = 0x1000_0000;
export const DEVICE_MEMORY_BITS = 17;

export class StillMachine implements Machine {
  readonly ram: Ram;
  readonly irqPending = false;
  readonly irqMax = IRQ_MAX;
  readonly deviceRanges = [{ base: DEVICE_MEMORY_BASE, sizeBytes: 2 ** DEVICE_MEMORY_BITS }];
  #nowNs = 0;

  constructor(ram: Ram) {
    this.ram = ram;
  }

  now(): number {
    return this.#nowNs;
  }

  charge(deltaNs: number): void {
    this.#nowNs += deltaNs;
  }

  setDeadline(): void {
    // Nobody waits for a time: the replay runs until the kernel is idle.
  }

  nextEventAt(): number {
    return Infinity;
  }

  claimIrq(): number {
    return 0;
  }

  completeIrq(): void {
    // No device waits for it.
  }

  enableIrq(): void {
    // No device raises one.
  }

  disableIrq(): void {
    // No device raises one.
  }

  deviceAt(): undefined {
    return undefined;
  }
}
