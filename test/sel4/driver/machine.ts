/**
 * The machine under a test: RAM, virtual time, a programmable timer, spare interrupt lines and a
 * range of device memory.
 */

import type { Machine } from '../../../kernel/machine.ts';
import type { Ram } from '../../../memory/ram.ts';

export const TIMER_IRQ = 1;
/** Lines that only tests raise. */
export const SPARE_IRQ = 2;
export const IRQ_MAX = 16;

export class TestMachine implements Machine {
  readonly ram: Ram;
  readonly irqMax = IRQ_MAX;
  readonly deviceRanges = [{ base: 0x1000_0000, sizeBytes: 2 ** 16 }];
  /** When the kernel wants to run again by itself. */
  deadlineNs = Infinity;
  /** When the timer rings next. */
  timerAtNs = Infinity;
  /**
   * Time that passes at each look at the interrupt controller: for tests of preemption inside the
   * kernel.
   */
  pollCostNs = 0;
  #timerPeriodNs = 0;
  #nowNs = 0;
  readonly #pending = new Set<number>();
  readonly #claimed = new Set<number>();
  readonly #enabled = new Set<number>();
  #isPresented = false;

  constructor(ram: Ram) {
    this.ram = ram;
  }

  get irqPending(): boolean {
    if (this.pollCostNs > 0) this.charge(this.pollCostNs);
    return this.#isPresented;
  }

  now(): number {
    return this.#nowNs;
  }

  charge(deltaNs: number): void {
    this.#nowNs += deltaNs;
    if (this.#nowNs >= this.timerAtNs) this.#ring();
  }

  setDeadline(atNs: number): void {
    this.deadlineNs = atNs;
  }

  nextEventAt(): number {
    return this.timerAtNs;
  }

  claimIrq(): number {
    for (const irq of this.#pending) {
      if (!this.#isDeliverable(irq)) continue;
      this.#pending.delete(irq);
      this.#claimed.add(irq);
      this.#update();
      return irq;
    }
    return 0;
  }

  completeIrq(irq: number): void {
    this.#claimed.delete(irq);
    this.#update();
  }

  enableIrq(irq: number): void {
    this.#enabled.add(irq);
    this.#update();
  }

  disableIrq(irq: number): void {
    this.#enabled.delete(irq);
    this.#update();
  }

  deviceAt(): undefined {
    return undefined;
  }

  // ------------------------------------------------------------------------------------- for tests

  /**
   * Lets the timer ring once at a time, or first then and again each period; a period of 0 is once.
   */
  setTimer(atNs: number, periodNs: number): void {
    this.timerAtNs = atNs;
    this.#timerPeriodNs = periodNs;
  }

  raiseIrq(irq: number): void {
    this.#pending.add(irq);
    this.#update();
  }

  #ring(): void {
    this.#pending.add(TIMER_IRQ);
    if (this.#timerPeriodNs === 0) this.timerAtNs = Infinity;
    else while (this.timerAtNs <= this.#nowNs) this.timerAtNs += this.#timerPeriodNs;
    this.#update();
  }

  #isDeliverable(irq: number): boolean {
    return this.#enabled.has(irq) && !this.#claimed.has(irq);
  }

  #update(): void {
    this.#isPresented = false;
    for (const irq of this.#pending) if (this.#isDeliverable(irq)) this.#isPresented = true;
  }
}
