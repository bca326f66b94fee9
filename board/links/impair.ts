/**
 * A wire that treats frames badly, by a seeded plan: loss, corruption, truncation, duplication,
 * delay, reordering, and a cable that is pulled. Wraps any other wire; each direction has a plan of
 * its own. Same seed, same frames: same fate.
 *
 * Every frame draws the same number of random numbers whatever the plan, so that changing one
 * probability does not change what happens to all later frames.
 */

import type { Ram } from '../../memory/ram.ts';
import type { Clock, ClockEvent } from '../clock.ts';
import { type EthernetEnd, type EthernetWire, WIRE_BYTES_MAX } from '../ethernet.ts';
import type { Random } from '../random.ts';
import { DelayLine } from './delay-line.ts';

/** What may happen to a frame. Probabilities are 0 to 1, and 0 unless told. */
export interface Impairment {
  readonly loss?: number;
  /** One bit of the frame is flipped. */
  readonly corrupt?: number;
  /** The frame is cut at a random length. */
  readonly truncate?: number;
  readonly duplicate?: number;
  /** The frame is held back for `reorderNs`, and others overtake it. */
  readonly reorder?: number;
  /** 100 us unless told. */
  readonly reorderNs?: number;
  /** Every frame takes this long; frames do not overtake each other. */
  readonly delayNs?: number;
  /** And up to this much longer. */
  readonly jitterNs?: number;
}

export interface ImpairedWireOptions {
  readonly wire: EthernetWire;
  readonly ram: Ram;
  readonly clock: Clock;
  readonly random: Random;
  readonly toNic?: Impairment;
  readonly fromNic?: Impairment;
  /** Frames that can be held in each direction; 512 unless told. */
  readonly slots?: number;
}

export interface ImpairCounters {
  passed: number;
  lost: number;
  corrupted: number;
  truncated: number;
  duplicated: number;
  reordered: number;
  /** Lost because too many frames were held. */
  overflow: number;
}

const SLOTS = 512;
const REORDER_NS = 100_000;
const LOSS = 'impairment: loss';
const OVERFLOW = 'impairment: too many frames held';

export class ImpairedWire implements EthernetWire, EthernetEnd {
  readonly mtu: EthernetWire['mtu'];
  readonly #wire: EthernetWire;
  readonly #clock: Clock;
  readonly #toNic: Direction;
  readonly #fromNic: Direction;
  readonly #copyAt: number;
  readonly #arrival: ClockEvent = { fire: () => this.#announce() };
  readonly #departure: ClockEvent = { fire: (nowNs) => this.#depart(nowNs) };
  #end: EthernetEnd | undefined;
  #link: 'up' | 'down' = 'up';

  constructor(options: ImpairedWireOptions) {
    const { ram, random } = options;
    const slots = options.slots ?? SLOTS;
    this.#wire = options.wire;
    this.mtu = options.wire.mtu;
    this.#clock = options.clock;
    this.#toNic = new Direction(ram, random.fork('to nic'), slots, options.toNic ?? {});
    this.#fromNic = new Direction(ram, random.fork('from nic'), slots, options.fromNic ?? {});
    this.#copyAt = ram.takeStaging(WIRE_BYTES_MAX);
  }

  get counters(): { readonly toNic: ImpairCounters; readonly fromNic: ImpairCounters } {
    return { toNic: this.#toNic.counters, fromNic: this.#fromNic.counters };
  }

  /** Pulls the cable between the NIC and everything behind this wire, or plugs it in. */
  setLink(link: 'up' | 'down'): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#end?.linkChanged();
  }

  // The end of the wire behind this one.

  frameArrived(): void {
    const nowNs = this.#clock.now();
    const inner = this.#wire;
    for (let lengthBytes = inner.nextLength(); lengthBytes > 0; lengthBytes = inner.nextLength()) {
      inner.copyNext(0, this.#copyAt, lengthBytes);
      const lostTo = this.#toNic.admit(this.#copyAt, lengthBytes, nowNs);
      if (lostTo === undefined) inner.takeNext();
      else inner.dropNext(lostTo);
    }
    this.#announce();
  }

  linkChanged(): void {
    this.#end?.linkChanged();
  }

  // The wire, as the NIC sees it.

  attach(end: EthernetEnd): void {
    this.#end = end;
    this.#wire.attach(this);
  }

  linkUp(): boolean {
    return this.#link === 'up' && this.#wire.linkUp();
  }

  nextLength(): number {
    const line = this.#toNic.line;
    return line.firstDueNs() <= this.#clock.now() ? line.firstLength() : 0;
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#toNic.copyFirst(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#toNic.line.removeFirst();
  }

  dropNext(): void {
    // What lies behind this wire has delivered the frame already.
    this.#toNic.line.removeFirst();
  }

  transmit(at: number, lengthBytes: number): void {
    const nowNs = this.#clock.now();
    const lostTo = this.#fromNic.admit(at, lengthBytes, nowNs);
    if (lostTo !== undefined) this.#wire.dropTransmit(at, lengthBytes, lostTo);
    this.#depart(nowNs);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }

  /** Tells the NIC of frames that are due, or waits for the first. */
  #announce(): void {
    const dueNs = this.#toNic.line.firstDueNs();
    if (dueNs <= this.#clock.now()) this.#end?.frameArrived();
    const laterNs = this.#toNic.line.firstDueAfter(this.#clock.now());
    this.#clock.schedule(this.#arrival, laterNs);
  }

  #depart(nowNs: number): void {
    const line = this.#fromNic.line;
    while (line.firstDueNs() <= nowNs) {
      this.#wire.transmit(line.firstAt(), line.firstLength());
      line.removeFirst();
    }
    this.#clock.schedule(this.#departure, line.firstDueNs());
  }
}

/** One direction: decides the fate of each frame. */
class Direction {
  readonly counters: ImpairCounters = {
    passed: 0,
    lost: 0,
    corrupted: 0,
    truncated: 0,
    duplicated: 0,
    reordered: 0,
    overflow: 0,
  };
  readonly line: DelayLine;
  readonly #ram: Ram;
  readonly #random: Random;
  readonly #plan: Required<Impairment>;
  /** When the last frame in order is due: no later one may be due before it. */
  #lastDueNs = 0;

  constructor(ram: Ram, random: Random, slots: number, plan: Impairment) {
    this.line = new DelayLine(ram, slots);
    this.#ram = ram;
    this.#random = random;
    this.#plan = {
      loss: 0,
      corrupt: 0,
      truncate: 0,
      duplicate: 0,
      reorder: 0,
      reorderNs: REORDER_NS,
      delayNs: 0,
      jitterNs: 0,
      ...plan,
    };
  }

  /** Takes a copy of a frame, or loses it. @returns why it is lost, undefined when it is not */
  admit(at: number, lengthBytes: number, nowNs: number): string | undefined {
    const random = this.#random;
    const lost = random.float() < this.#plan.loss;
    const corrupted = random.float() < this.#plan.corrupt;
    const truncated = random.float() < this.#plan.truncate;
    const duplicated = random.float() < this.#plan.duplicate;
    const reordered = random.float() < this.#plan.reorder;
    const jitterNs = Math.floor(random.float() * this.#plan.jitterNs);
    const where = random.float();
    if (lost) {
      this.counters.lost += 1;
      return LOSS;
    }
    if (this.line.isFull) {
      this.counters.overflow += 1;
      return OVERFLOW;
    }
    const plannedNs = nowNs + this.#plan.delayNs + jitterNs;
    const dueNs = reordered ? this.#dueLate(plannedNs) : this.#dueInOrder(plannedNs);
    const keptBytes = truncated ? 1 + Math.floor(where * (lengthBytes - 1)) : lengthBytes;
    if (truncated) this.counters.truncated += 1;
    const copyAt = this.line.add(at, keptBytes, dueNs);
    if (corrupted) this.#flipBit(copyAt, Math.floor(where * 8 * keptBytes));
    if (duplicated && !this.line.isFull) {
      this.line.add(copyAt, keptBytes, dueNs);
      this.counters.duplicated += 1;
    }
    this.counters.passed += 1;
    return undefined;
  }

  copyFirst(from: number, to: number, lengthBytes: number): void {
    this.#ram.copy(to, this.line.firstAt() + from, lengthBytes);
  }

  #dueLate(plannedNs: number): number {
    this.counters.reordered += 1;
    return plannedNs + this.#plan.reorderNs;
  }

  #dueInOrder(plannedNs: number): number {
    this.#lastDueNs = Math.max(this.#lastDueNs, plannedNs);
    return this.#lastDueNs;
  }

  #flipBit(at: number, bit: number): void {
    const byteAt = at + (bit >>> 3);
    this.#ram.u8[byteAt] = (this.#ram.u8[byteAt] as number) ^ (1 << (bit & 7));
    this.counters.corrupted += 1;
  }
}
