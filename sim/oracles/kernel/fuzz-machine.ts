/**
 * A machine for random programs: time passes by charges, and interrupts come when chance says so.
 */

import type { Ram } from '../../../memory/ram.ts';
import type { Machine } from '../../../kernel/machine.ts';
import type { Chance } from './chance.ts';

export const FUZZ_IRQS = 8;

export class FuzzMachine implements Machine {
  readonly ram: Ram;
  readonly irqMax = FUZZ_IRQS;
  readonly deviceRanges = [{ base: 0x1000_0000, sizeBytes: 0x1000 }];
  deadlineNs = Infinity;
  readonly #chance: Chance;
  /** One in so many looks at the interrupt line finds one. */
  readonly #irqOneIn: number;
  readonly #enabled = new Set<number>();
  readonly #inService = new Set<number>();
  #pending = 0;
  #nowNs = 0;

  constructor(ram: Ram, chance: Chance, irqOneIn: number) {
    this.ram = ram;
    this.#chance = chance;
    this.#irqOneIn = irqOneIn;
  }

  now(): number {
    return this.#nowNs;
  }

  charge(deltaNs: number): void {
    this.#nowNs += deltaNs;
  }

  setDeadline(atNs: number): void {
    this.deadlineNs = atNs;
  }

  nextEventAt(): number {
    return Infinity;
  }

  get irqPending(): boolean {
    if (this.#pending === 0 && this.#chance.oneIn(this.#irqOneIn)) {
      const irq = 1 + this.#chance.below(FUZZ_IRQS - 1);
      if (this.#enabled.has(irq) && !this.#inService.has(irq)) this.#pending = irq;
    }
    return this.#pending !== 0;
  }

  claimIrq(): number {
    const irq = this.#pending;
    this.#pending = 0;
    if (irq !== 0) this.#inService.add(irq);
    return irq;
  }

  completeIrq(irq: number): void {
    this.#inService.delete(irq);
  }

  enableIrq(irq: number): void {
    this.#enabled.add(irq);
  }

  disableIrq(irq: number): void {
    this.#enabled.delete(irq);
    if (this.#pending === irq) this.#pending = 0;
  }

  deviceAt(): undefined {
    return undefined;
  }
}
