/**
 * A device of which a test writes every move: registers read as they were set, writes are kept, and
 * the interrupt line goes up and down when a step says so. It stands where the unit's own device
 * would be.
 */

import type { Board } from '../../board/board.ts';
import type { Device, IrqLine } from '../../board/device.ts';
import { RAM_BASE } from '../../memory/ram.ts';
import { flatten, regionNamed, type SystemDescription } from '../../microkit/model.ts';

export interface RegisterWrite {
  readonly at: number;
  readonly value: number;
  isTaken: boolean;
}

/** Accesses that are kept: a driver that polls for ever has shown enough by then. */
const KEPT_MAX = 10_000;

export class ScriptedDevice implements Device {
  readonly writes: RegisterWrite[] = [];
  readonly reads = new Map<number, number>();
  readonly #values: Map<number, number>;
  #line: IrqLine | undefined;

  constructor(values: ReadonlyMap<number, number>) {
    this.#values = new Map(values);
  }

  read(offset: number): number {
    this.reads.set(offset, (this.reads.get(offset) ?? 0) + 1);
    return this.#values.get(offset) ?? 0;
  }

  write(offset: number, value: number): void {
    if (this.writes.length < KEPT_MAX) this.writes.push({ at: offset, value, isTaken: false });
  }

  reset(): void {
    this.#line?.lower();
  }

  snapshot(): Record<string, unknown> {
    return { registers: Object.fromEntries(this.#values) };
  }

  set(offset: number, value: number): void {
    this.#values.set(offset, value);
  }

  interrupt(level: 'up' | 'down'): void {
    if (level === 'up') this.#line?.raise();
    else this.#line?.lower();
  }

  /** Puts it where the unit maps its device's registers. */
  attach(board: Board, system: SystemDescription, unit: string): void {
    const pd = flatten(system).find((each) => each.pd.name === unit)?.pd;
    const region = pd?.maps
      .map((map) => regionNamed(system, map.region))
      .find((each) => each?.physAddr !== undefined && each.physAddr < BigInt(RAM_BASE));
    const irq = pd?.irqs.flatMap((each) => (each.kind === 'conventional' ? [each.irq] : []))[0];
    if (region?.physAddr === undefined || irq === undefined) return;
    this.#line = board.irqLine(irq);
    const place = { base: Number(region.physAddr), sizeBytes: Number(region.size) };
    board.attach('scripted-device', place, this);
  }
}
