/**
 * The board as the kernel sees it when programs' work takes virtual time: whenever the kernel lets
 * time pass, so does the work that programs have done since the last time. Since every kernel entry
 * does so first, and programs run one at a time, that work is the current thread's.
 */

import type { Board } from '../board/board.ts';
import type { Machine } from '../kernel/machine.ts';
import { assert } from '../memory/assert.ts';
import type { Ram } from '../memory/ram.ts';
import type { MmioDevice } from '../memory/region.ts';
import type { WorkMeter } from './work-meter.ts';

type Found = NonNullable<ReturnType<Machine['deviceAt']>>;

export class ChargedMachine implements Machine {
  readonly ram: Ram;
  readonly irqMax: number;
  /**
   * How long the processor has worked since power-on: all but the time in which no thread could
   * run.
   */
  busyNs = 0;
  readonly #board: Board;
  readonly #meter: WorkMeter;
  readonly #devices = new Map<MmioDevice, MmioDevice>();
  /** Fractions of a nanosecond that are still to be charged: time goes by whole ones. */
  #owedNs = 0;

  constructor(board: Board, meter: WorkMeter) {
    assert(board.clock.kind === 'virtual', 'host time passes by itself');
    this.ram = board.ram;
    this.irqMax = board.irqMax;
    this.#board = board;
    this.#meter = meter;
  }

  now(): number {
    return this.#board.now();
  }

  charge(deltaNs: number): void {
    const cost = this.#owedNs + deltaNs + this.#meter.take();
    const passing = Math.floor(cost);
    this.#owedNs = cost - passing;
    this.busyNs += passing;
    this.#board.charge(passing);
  }

  setDeadline(atNs: number): void {
    this.#board.setDeadline(atNs);
  }

  nextEventAt(): number {
    return this.#board.nextEventAt();
  }

  claimIrq(): number {
    return this.#board.claimIrq();
  }

  get irqPending(): boolean {
    return this.#board.irqPending;
  }

  completeIrq(irq: number): void {
    this.#board.completeIrq(irq);
  }

  enableIrq(irq: number): void {
    this.#board.enableIrq(irq);
  }

  disableIrq(irq: number): void {
    this.#board.disableIrq(irq);
  }

  /** With every access to the registers counted. */
  deviceAt(paddr: number): Found | undefined {
    const found = this.#board.deviceAt(paddr);
    if (found === undefined) return undefined;
    let device = this.#devices.get(found.device);
    if (device === undefined) {
      device = new CountedDevice(found.device, this.#meter);
      this.#devices.set(found.device, device);
    }
    return { device, base: found.base };
  }

  get deviceRanges(): Machine['deviceRanges'] {
    return this.#board.deviceRanges;
  }
}

class CountedDevice implements MmioDevice {
  readonly #device: MmioDevice;
  readonly #meter: WorkMeter;

  constructor(device: MmioDevice, meter: WorkMeter) {
    this.#device = device;
    this.#meter = meter;
  }

  read(offset: number, width: number): number {
    this.#meter.mmioAccesses += 1;
    return this.#device.read(offset, width);
  }

  write(offset: number, value: number, width: number): void {
    this.#meter.mmioAccesses += 1;
    this.#device.write(offset, value, width);
  }
}
