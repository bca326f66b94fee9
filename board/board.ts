/**
 * The board: RAM, bus, interrupt controller, clock, and the map of QEMU's RISC-V `virt` machine.
 * Devices are given by `systems/`; what they get of the board is narrow (see `device.ts`).
 *
 * To the kernel it is a machine (`kernel/machine.ts`, which the board satisfies without knowing
 * it).
 */

import { assert, type RunFailure } from '../memory/assert.ts';
import { demand, Misuse } from '../memory/misuse.ts';
import type { Ram } from '../memory/ram.ts';
import { FLOAT_ZERO } from '../memory/small-integer.ts';
import { Bus, type BusRange } from './bus.ts';
import type { ClockEvent } from './clock.ts';
import { demandDevice, GuardedDevice } from './device-failure.ts';
import type { DeviceRules, IrqLine, TurnQueue } from './device.ts';
import { type DmaRange, RangedDmaWindow } from './dma.ts';
import type { HostClock } from './host-clock.ts';
import { LintLog } from './lint.ts';
import { Plic, PLIC_KERNEL_CONTEXT, PLIC_SOURCES, PLIC_WINDOW_BYTES } from './plic.ts';
import { LiveTurns, VirtualTurns } from './turns.ts';
import type { DeviceQueueOptions } from './virtio/device-queue-options.ts';
import { DeviceQueue } from './virtio/device-queue.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Where registers lie and which interrupt goes with them. */
export interface Place {
  readonly base: number;
  readonly sizeBytes: number;
  readonly irq: number;
}

export const PLIC_BASE = 0x0c00_0000;
export const GOLDFISH_RTC_PLACE: Place = { base: 0x0010_1000, sizeBytes: 0x1000, irq: 11 };
export const NS16550A_PLACE: Place = { base: 0x1000_0000, sizeBytes: 0x100, irq: 10 };
/** Not on QEMU's map: a free range of it. */
export const PL011_PLACE: Place = { base: 0x1001_0000, sizeBytes: 0x1000, irq: 12 };
export const VIRTIO_SLOTS = 8;

/** The owner of a line until its device is attached. */
const UNNAMED = 'another device';

/** @param slot 0..7 */
export function virtioPlace(slot: number): Place {
  demand(slot >= 0 && slot < VIRTIO_SLOTS, `a virtio slot is 0..7, not ${slot}`);
  return { base: 0x1000_1000 + slot * 0x1000, sizeBytes: 0x1000, irq: 1 + slot };
}

/** Virtual time between a device being marked due and its work. */
export const DEVICE_LATENCY_NS = 1_000;

export interface BoardOptions {
  readonly ram: Ram;
  readonly clock: VirtualClock | HostClock;
  readonly lint?: LintLog;
  /** What devices do when a driver breaks a rule; 'lenient' unless told. */
  readonly rules?: DeviceRules;
  /** {@link DEVICE_LATENCY_NS} unless told; of no effect under the host clock. */
  readonly deviceLatencyNs?: number;
}

export class Board {
  readonly ram: Ram;
  readonly clock: VirtualClock | HostClock;
  readonly lint: LintLog;
  readonly rules: DeviceRules;
  readonly bus: Bus;
  readonly plic: Plic;
  readonly turns: TurnQueue;
  readonly irqMax = PLIC_SOURCES - 1;
  /**
   * Whether the interrupt controller presents one to the kernel, which asks several times for each
   * of its entries.
   */
  readonly irqPending: boolean = false;
  /** The alarm of the board's real-time clock, where it has one. */
  alarm: ClockEvent | undefined;
  /** The clock, where time passes by what is charged. */
  readonly #virtualClock: VirtualClock | undefined;
  readonly #liveTurns = new LiveTurns();
  /** Wakes whoever waits for the next event; the kernel looks at the time itself. */
  readonly #deadline: ClockEvent = { fire: () => (this.#deadlineNs = Infinity) };
  #deadlineNs = Infinity;
  #sliceEndNs = FLOAT_ZERO;
  readonly #lineOwners = new Map<number, string>();
  #guard: ((failure: RunFailure) => void) | undefined;

  constructor(options: BoardOptions) {
    this.ram = options.ram;
    this.clock = options.clock;
    this.#virtualClock = options.clock.kind === 'virtual' ? options.clock : undefined;
    this.lint = options.lint ?? new LintLog();
    this.rules = options.rules ?? 'lenient';
    this.bus = new Bus(this.lint);
    this.plic = new Plic(this.lint, () => keepPending(this, this.plic));
    const latencyNs = options.deviceLatencyNs ?? DEVICE_LATENCY_NS;
    this.turns =
      options.clock.kind === 'virtual'
        ? new VirtualTurns(options.clock, latencyNs)
        : this.#liveTurns;
    this.bus.attach({
      name: 'plic',
      base: PLIC_BASE,
      sizeBytes: PLIC_WINDOW_BYTES,
      device: this.plic,
    });
  }

  /**
   * Puts a device on the bus.
   *
   * @throws Misuse when another device has a page of it, RAM is there, or it is none
   */
  attach(name: string, place: Pick<Place, 'base' | 'sizeBytes'>, device: BusRange['device']): void {
    const { base, sizeBytes } = place;
    this.bus.attach({ name, base, sizeBytes, device: this.#guarded(name, device) });
    const isOverRam = base < this.ram.base + this.ram.sizeBytes && base + sizeBytes > this.ram.base;
    if (isOverRam) throw new Misuse(`${name} is put at 0x${base.toString(16)}, where RAM is`);
    for (const [irq, owner] of this.#lineOwners) {
      if (owner === UNNAMED) this.#lineOwners.set(irq, name);
    }
  }

  #guarded(name: string, device: BusRange['device']): BusRange['device'] {
    if (this.#guard === undefined) return device;
    demandDevice(name, device);
    return new GuardedDevice(name, device, this.#guard);
  }

  /**
   * From now on devices are not ours: what they do wrong is theirs, and ends the run in their name.
   */
  guardDevices(): void {
    this.#guard = (failure) => (this.clock.failure ??= failure);
  }

  /** What has ended the run, if a device has failed where a program might have caught it. */
  get failure(): RunFailure | undefined {
    return this.clock.failure;
  }

  /**
   * Fills the virtio slots that no device has taken: DeviceID 0 tells a driver to stop silently.
   */
  fillVirtioSlots(): void {
    for (let slot = 0; slot < VIRTIO_SLOTS; slot++) {
      const place = virtioPlace(slot);
      if (this.bus.deviceAt(place.base) === undefined) {
        this.attach(`virtio-${slot}`, place, EMPTY_VIRTIO_SLOT);
      }
    }
  }

  /**
   * A device's line to the interrupt controller. The device is attached next.
   *
   * @throws Misuse when another device has it, or there is none of that number
   */
  irqLine(irq: number): IrqLine {
    const owner = this.#lineOwners.get(irq);
    demand(owner === undefined, `interrupt ${irq} is ${owner}'s already`);
    const line = this.plic.line(irq);
    this.#lineOwners.set(irq, UNNAMED);
    return line;
  }

  /** @param ranges all of RAM unless told: a board without an IOMMU */
  dmaWindow(ranges?: readonly DmaRange[]): RangedDmaWindow {
    const all = [{ paddr: this.ram.base, sizeBytes: this.ram.sizeBytes }];
    return new RangedDmaWindow(this.ram, ranges ?? all);
  }

  /** @param _device name of the device on this board */
  makeDeviceQueue(_device: string, options: DeviceQueueOptions): DeviceQueue {
    return new DeviceQueue(options);
  }

  // What follows is the machine that the kernel sees.

  now(): number {
    return this.clock.now();
  }

  /**
   * Virtual time: devices work while the processor does, so every event on the way happens at its
   * own time.
   */
  charge(deltaNs: number): void {
    const clock = this.#virtualClock;
    if (clock !== undefined) clock.runUntil(clock.now() + deltaNs);
  }

  setDeadline(atNs: number): void {
    if (atNs === this.#deadlineNs) return;
    this.#deadlineNs = atNs;
    this.clock.schedule(this.#deadline, atNs);
  }

  claimIrq(): number {
    return this.plic.claim(PLIC_KERNEL_CONTEXT);
  }

  completeIrq(irq: number): void {
    this.plic.complete(PLIC_KERNEL_CONTEXT, irq);
  }

  /** Every interrupt has the same priority, as seL4 sets it. */
  enableIrq(irq: number): void {
    this.plic.setPriority(irq, 1);
    this.plic.enable(PLIC_KERNEL_CONTEXT, irq);
  }

  disableIrq(irq: number): void {
    this.plic.disable(PLIC_KERNEL_CONTEXT, irq);
  }

  deviceAt(paddr: number): BusRange | undefined {
    const range = this.bus.deviceAt(paddr);
    return range?.device === this.plic ? undefined : range;
  }

  /** All devices but the interrupt controller, which the kernel keeps to itself; in whole pages. */
  get deviceRanges(): readonly { readonly base: number; readonly sizeBytes: number }[] {
    return this.bus.ranges
      .filter((range) => range.device !== this.plic)
      .map(({ base, sizeBytes }) => ({ base, sizeBytes: (sizeBytes + 0xfff) & ~0xfff }));
  }

  // What follows is for the loop that runs the machine.

  /**
   * One turn of the devices: fires the clock's events that are due, then (live) lets the devices
   * that are due work.
   *
   * @returns how many events and devices there were
   */
  turn(): number {
    return this.clock.fireDue() + this.#liveTurns.work();
  }

  // The loop asks these two many times for each packet. They answer yes or no, for a number would
  // be boxed (docs/hot-code.md).

  /** Begins a slice of time. @returns its end */
  beginSlice(sliceNs: number): number {
    this.#sliceEndNs = this.clock.now() + sliceNs;
    return this.#sliceEndNs;
  }

  /** The slice is over: the host has its turn. */
  handOver(): void {
    if (this.clock.kind === 'host') this.clock.handOver();
  }

  isSliceOver(): boolean {
    return this.clock.now() >= this.#sliceEndNs;
  }

  /** Whether {@link turn} has something to do. */
  isDue(): boolean {
    return this.#liveTurns.anyDue || this.clock.nextEventAt() <= this.clock.now();
  }

  /**
   * @returns when something is to happen without the processor: now if a device is due, `Infinity`
   * if never
   */
  nextEventAt(): number {
    return this.#liveTurns.anyDue ? this.clock.now() : this.clock.nextEventAt();
  }

  /**
   * Whether no device will do anything by itself: no event is ahead but, at most, the kernel's own
   * deadline.
   */
  get isAtRest(): boolean {
    return !this.#liveTurns.anyDue && !this.irqPending && this.clock.hasNoneBut(this.#deadline);
  }

  /**
   * The same, but that {@link alarm} may be set: whether anybody waits for it, only its driver can
   * tell.
   */
  get hasOnlyAlarmAhead(): boolean {
    const isDeviceDue = this.#liveTurns.anyDue || this.irqPending;
    return !isDeviceDue && this.clock.hasNoneBut(this.#deadline, this.alarm);
  }

  /**
   * Virtual time, processor idle: goes to the next event and lets it happen.
   *
   * @param limitNs goes no further than this
   * @returns 'quiet' when there is no event up to the limit; the time is then the limit, or
   * unchanged if that is infinite
   */
  advance(limitNs: number): 'event' | 'quiet' {
    assert(this.clock.kind === 'virtual', 'host time passes by itself');
    const nextNs = this.clock.nextEventAt();
    if (nextNs <= limitNs && nextNs < Infinity) {
      this.clock.runUntil(Math.max(nextNs, this.clock.now()));
      return 'event';
    }
    if (limitNs < Infinity && limitNs > this.clock.now()) this.clock.runUntil(limitNs);
    return 'quiet';
  }

  /** Every device's snapshot by name, and what the board counts. */
  snapshot(): Record<string, unknown> {
    const devices: Record<string, unknown> = {};
    for (const range of this.bus.ranges) {
      if ('snapshot' in range.device && typeof range.device.snapshot === 'function') {
        devices[range.name] = range.device.snapshot();
      }
    }
    return {
      nowNs: this.clock.now(),
      busErrors: this.bus.errors,
      lint: this.lint.entries(),
      devices,
    };
  }
}

/** To all but this file the field is to be read alone. */
function keepPending(board: { irqPending: boolean }, plic: Plic): void {
  board.irqPending = plic.presented(PLIC_KERNEL_CONTEXT) !== 0;
}

const EMPTY_VIRTIO_SLOT: BusRange['device'] = {
  read(offset: number): number {
    if (offset === 0) return 0x7472_6976; // MagicValue
    return offset === 4 ? 2 : 0; // Version; DeviceID is 0
  },
  write(): void {
    // A placeholder ignores what a driver tells it.
  },
};
