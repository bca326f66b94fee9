/**
 * Records what happens in a system: events of three words and a time in a ring of fixed size, the newest ones. What is
 * pushed out of it is counted. Nothing is allocated while it records; what the events mean, `events.ts` reads out later.
 *
 *     word 0: kind | thread << 8 | detail << 16      words 1 and 2: see the kinds
 */

import { REG_A0, REG_A7, REG_T0 } from '../../kernel/abi.ts';
import { ThreadUnwound, type UserThread } from '../../kernel/user.ts';
import { assert } from '../../memory/assert.ts';
import { MemoryFault } from '../../memory/region.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { BoardObserver, ThreadObserver } from './observer.ts';
import { type QueueProbe, QueueProbes } from './queue-probes.ts';
import { interpolate, type Stamps } from './stamps.ts';

/** A thread runs; detail: how; words: badge low, badge high. */
export const EVENT_RUN = 1;
/** A thread makes a system call; detail: its number, negated; words: capability address, that of a deferred signal. */
export const EVENT_ENTER = 2;
/** The same, as the last act of its handler. */
export const EVENT_WAIT = 3;
export const EVENT_RETURN = 4;
/** A program threw; detail: {@link THROWN_FAULT} … */
export const EVENT_THROW = 5;
export const EVENT_IDLE = 6;
/** Word 1: the interrupt. */
export const EVENT_RAISE = 7;
export const EVENT_CLAIM = 8;
export const EVENT_COMPLETE = 9;
/** Words: number of the queue, entries. */
export const EVENT_DEPTH = 10;
/** By the thread; detail: the device; words: offset, value written. */
export const EVENT_MMIO_READ = 11;
export const EVENT_MMIO_WRITE = 12;

export const THROWN_EXCEPTION = 0;
export const THROWN_MEMORY_FAULT = 1;
export const THROWN_UNWOUND = 2;

export const EVENT_WORDS = 4;

/** Of so many waits, the last ones look at the queues of empty buffers too: every domain comes to it. */
const WAITS_PER_LOOK = 64;

export interface RecorderOptions {
  readonly system: SystemDescription;
  /** Events that are kept; a power of two. */
  readonly capacity: number;
  readonly stamps: Stamps;
  /** A second time for each event: the host's, beside virtual time. */
  readonly hostStamps?: Stamps;
  /** Accesses to device registers are counted; 'record': each is an event too. */
  readonly registers: 'count' | 'record';
}

/** Accesses to a device's registers. */
export interface DeviceAccesses {
  readonly name: string;
  readonly reads: number;
  readonly writes: number;
}

const DEVICES_MAX = 64;

export class Recorder implements ThreadObserver, BoardObserver {
  readonly system: SystemDescription;
  readonly capacity: number;
  readonly words: Int32Array;
  /** In nanoseconds; complete once {@link complete} has been called. */
  readonly times: Float64Array;
  /** Empty unless a second time was asked for. */
  readonly hostTimes: Float64Array;
  readonly #stamps: Stamps;
  readonly #hostStamps: Stamps | undefined;
  readonly #mask: number;
  readonly #probes: QueueProbes;
  readonly #recordsRegisters: boolean;
  readonly #deviceNames: string[] = [];
  readonly #reads = new Uint32Array(DEVICES_MAX);
  readonly #writes = new Uint32Array(DEVICES_MAX);
  #running = 0;
  #waits = 0;
  /** Slot of the next event, and how often the ring has been filled. */
  #slot = 0;
  #rounds = 0;

  constructor(options: RecorderOptions) {
    const { capacity } = options;
    assert(capacity > 0 && (capacity & (capacity - 1)) === 0, 'a ring has a power of two of slots');
    this.system = options.system;
    this.capacity = capacity;
    this.words = new Int32Array(capacity * EVENT_WORDS);
    this.times = new Float64Array(capacity);
    this.hostTimes = new Float64Array(options.hostStamps === undefined ? 0 : capacity);
    this.#stamps = options.stamps;
    this.#recordsRegisters = options.registers === 'record';
    this.#hostStamps = options.hostStamps;
    this.#mask = capacity - 1;
    this.#probes = new QueueProbes(options.system);
  }

  /** In the order of their numbers. */
  get queues(): readonly QueueProbe[] {
    return this.#probes.all;
  }

  /** Since power-on, in the order of their numbers. */
  get devices(): readonly DeviceAccesses[] {
    return this.#deviceNames.map((name, device) => ({
      name,
      reads: this.#reads[device] ?? 0,
      writes: this.#writes[device] ?? 0,
    }));
  }

  /** Events since power-on. */
  get count(): number {
    return this.#rounds * this.capacity + this.#slot;
  }

  /** Events that newer ones have pushed out. */
  get dropped(): number {
    return Math.max(0, this.count - this.capacity);
  }

  /** Gives every event its time: call it before times are read. */
  complete(): void {
    const { count, dropped } = this;
    interpolate(this.times, dropped & this.#mask, count - dropped);
  }

  started(pd: number, thread: UserThread): void {
    const described = flatten(this.system)[pd]?.pd;
    if (described !== undefined) this.#probes.watch(pd, described, thread);
  }

  runs(pd: number, how: number, regs: Uint32Array): void {
    this.#running = pd;
    this.#add(
      EVENT_RUN | (pd << 8) | (how << 16),
      (regs[2 * REG_A0] as number) | 0,
      (regs[2 * REG_A0 + 1] as number) | 0,
    );
  }

  enters(pd: number, regs: Uint32Array): void {
    this.#enter(EVENT_ENTER, pd, regs);
  }

  waits(pd: number, regs: Uint32Array): void {
    this.#enter(EVENT_WAIT, pd, regs);
    const probes = this.#probes;
    for (let at = probes.nextMoved(pd, 0); at !== -1; at = probes.nextMoved(pd, at)) this.#look();
    // Queues of empty buffers are longer and tell less.
    this.#waits = (this.#waits + 1) % WAITS_PER_LOOK;
    if (this.#waits < WAITS_PER_LOOK - 8) return;
    for (let at = probes.nextMovedEmpty(pd, 0); at !== -1; at = probes.nextMovedEmpty(pd, at)) {
      this.#look();
    }
  }

  #look(): void {
    const queue = this.#probes.all[this.#probes.movedQueue] as QueueProbe;
    if (queue.look()) this.#addSameTime(EVENT_DEPTH, queue.number, queue.depth);
  }

  returns(pd: number): void {
    this.#running = pd;
    this.#add(EVENT_RETURN | (pd << 8), 0, 0);
  }

  throws(pd: number, error: unknown): void {
    const what =
      error instanceof ThreadUnwound
        ? THROWN_UNWOUND
        : error instanceof MemoryFault
          ? THROWN_MEMORY_FAULT
          : THROWN_EXCEPTION;
    this.#add(EVENT_THROW | (pd << 8) | (what << 16), 0, 0);
  }

  raised(irq: number): void {
    this.#add(EVENT_RAISE, irq, 0);
  }

  claimed(irq: number): void {
    this.#add(EVENT_CLAIM, irq, 0);
  }

  completed(irq: number): void {
    this.#add(EVENT_COMPLETE, irq, 0);
  }

  idle(): void {
    this.#add(EVENT_IDLE, 0, 0);
  }

  sliceBegins(): void {
    this.#stamps.renew();
  }

  deviceMapped(device: number, name: string): void {
    assert(device < DEVICES_MAX, 'a board has few devices');
    this.#deviceNames[device] = name;
  }

  deviceRead(device: number, offset: number): void {
    this.#reads[device] = (this.#reads[device] as number) + 1;
    if (!this.#recordsRegisters) return;
    this.#add(EVENT_MMIO_READ | (this.#running << 8) | (device << 16), offset, 0);
  }

  deviceWritten(device: number, offset: number, value: number): void {
    this.#writes[device] = (this.#writes[device] as number) + 1;
    if (!this.#recordsRegisters) return;
    this.#add(EVENT_MMIO_WRITE | (this.#running << 8) | (device << 16), offset, value | 0);
  }

  #enter(kind: number, pd: number, regs: Uint32Array): void {
    const number = (regs[2 * REG_A7] as number) | 0;
    this.#add(
      kind | (pd << 8) | (-number << 16),
      (regs[2 * REG_A0] as number) | 0,
      (regs[2 * REG_T0] as number) | 0,
    );
  }

  #add(word0: number, word1: number, word2: number): void {
    const slot = this.#slot;
    this.#stamps.write(this.times, slot);
    if (this.#hostStamps !== undefined) this.#hostStamps.write(this.hostTimes, slot);
    this.#put(slot, word0, word1, word2);
  }

  /** An event that belongs to the one before it. */
  #addSameTime(word0: number, word1: number, word2: number): void {
    const slot = this.#slot;
    const before = (slot - 1) & this.#mask;
    this.times[slot] = this.times[before] as number;
    if (this.#hostStamps !== undefined) this.hostTimes[slot] = this.hostTimes[before] as number;
    this.#put(slot, word0, word1, word2);
  }

  #put(slot: number, word0: number, word1: number, word2: number): void {
    const { words } = this;
    const at = slot << 2;
    words[at] = word0;
    words[at + 1] = word1;
    words[at + 2] = word2;
    const next = (slot + 1) & this.#mask;
    this.#slot = next;
    if (next === 0) this.#rounds += 1;
  }
}
