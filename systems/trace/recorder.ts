/**
 * Records what happens in a system: events of three words in a ring of fixed size, the newest ones.
 * What is pushed out of it is counted. Nothing is allocated while it records; what the events mean,
 * whoever reads them works out.
 *
 *     word 0: kind | thread << 8 | detail << 16 | flags << 24        words 1 and 2: see the kinds; else left as they were
 *
 * It runs with every kernel entry: what is said in docs/hot-code.md holds here.
 */

import type { HostClock } from '../../board/host-clock.ts';
import type { VirtualClock } from '../../board/virtual-clock.ts';
import { hostNow } from '../../host/host-time.ts';
import { REG_A0, REG_A7, REG_T0, SYS_NB_SEND_RECV } from '../../kernel/abi.ts';
import { ThreadUnwound, type UserThread } from '../../kernel/user.ts';
import { assert } from '../../memory/assert.ts';
import { Configured } from '../../memory/configured.ts';
import { NO_HALFWORDS, NO_WORDS } from '../../memory/empty-arrays.ts';
import type { Ram } from '../../memory/ram.ts';
import { MemoryFault } from '../../memory/region.ts';
import { FLOAT_ZERO } from '../../memory/small-integer.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { BoardObserver, ThreadObserver } from './observer.ts';
import { QUEUE_PARTS, QUEUE_WORDS, type ObservedQueue, QueueProbes } from './queue-probes.ts';
import { interpolate, Stamps, UNSTAMPED } from './stamps.ts';
import { QUEUE_READY, virtqueuesOf, writtenVirtqueue } from './virtqueue-setup.ts';

/** A thread runs; detail: how; words: badge low, badge high. */
export const EVENT_RUN = 1;
/**
 * A thread makes a system call; detail: its number, negated; word 1: capability address of whom it
 * sends to, if it does.
 */
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
/** Thread and detail: number of the queue; word 1: its tail | head << 16. */
export const EVENT_DEPTH = 10;
/** By the thread; detail: the device; words: offset, value written. */
export const EVENT_MMIO_READ = 11;
export const EVENT_MMIO_WRITE = 12;

export const THROWN_EXCEPTION = 0;
export const THROWN_MEMORY_FAULT = 1;
export const THROWN_UNWOUND = 2;

export const EVENT_WORDS = 3;
const WORDS = EVENT_WORDS;
/** The event has a time of its own. */
const STAMPED = 1 << 24;
/** Until this event queues have not been looked at for a while. */
export const EVENT_GAP = 1 << 25;
const GAP = EVENT_GAP;
/**
 * Host clock: queues are looked at in whole turns of the board, which begin so far apart or more.
 */
const LOOK_NS = 20_000;
/** Parts of a domain's list of queues. */
const PARTS = QUEUE_PARTS;

// Folded constants: docs/hot-code.md.
const A0 = 2 * REG_A0;
const A7 = 2 * REG_A7;
const T0 = 2 * REG_T0;
const RUN = EVENT_RUN;
const ENTER = EVENT_ENTER;
const WAIT = EVENT_WAIT;
const RETURN = EVENT_RETURN;
const DEPTH = EVENT_DEPTH;
const NB_SEND_RECV = SYS_NB_SEND_RECV;
const LISTED = QUEUE_WORDS;
const READY = QUEUE_READY;

/**
 * Of so many waits, the last ones look at the queues of empty buffers too: whichever domains come
 * to wait then.
 */
const WAITS_PER_LOOK = 64;
const LOOKS = 8;

export interface RecorderOptions {
  readonly system: SystemDescription;
  /** Events that are kept; a power of two. */
  readonly capacity: number;
  readonly stamps: Stamps;
  /** Virtual time: the host's beside it, of each event. */
  readonly hostTimes: 'on' | 'off';
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
/**
 * Registers of a device whose last value is kept, by address: those of a virtio transport before
 * its configuration.
 */
const REGISTERS = 64;

export class Recorder extends Configured<RecorderOptions> implements ThreadObserver, BoardObserver {
  readonly system: SystemDescription = this.options.system;
  readonly capacity: number = this.options.capacity;
  readonly words: Int32Array = new Int32Array(this.options.capacity * WORDS);
  /** In nanoseconds; complete once {@link complete} has been called. */
  readonly times: Float64Array = new Float64Array(this.options.capacity);
  /** Empty unless a second time was asked for. */
  readonly hostTimes: Float64Array = new Float64Array(
    this.options.hostTimes === 'on' ? this.options.capacity : 0,
  );
  readonly #stamps: Stamps = this.options.stamps;
  readonly #startNs = hostNow();
  readonly #mask: number = this.options.capacity - 1;
  readonly #probes = new QueueProbes(this.options.system);
  readonly #registers: RecorderOptions['registers'] = this.options.registers;
  readonly #deviceNames: string[] = [];
  readonly #reads = new Uint32Array(DEVICES_MAX);
  readonly #writes = new Uint32Array(DEVICES_MAX);
  readonly #written = new Int32Array(DEVICES_MAX * REGISTERS);
  #ram: Ram | undefined;
  /** That of `#probes`. */
  #table: Int32Array = NO_WORDS;
  #halfwords: Uint16Array = NO_HALFWORDS;
  #running = 0;
  #waits = 0;
  /** 1 while queues are looked at, and since when; 1 when another turn of the board is next. */
  #looks = 1;
  #looksSinceNs = FLOAT_ZERO;
  #turnBegins = 1;
  /** Where the next event goes in `words`, and how often the ring has been filled. */
  #next = 0;
  #rounds = 0;
  /**
   * Where there is more to do than to write: the event there has a time, or the ring ends there.
   */
  #stop = 0;

  constructor(options: RecorderOptions) {
    const { capacity } = options;
    assert(capacity > 0 && (capacity & (capacity - 1)) === 0, 'a ring has a power of two of slots');
    super(options);
  }

  /** In the order of their numbers. */
  get queues(): readonly ObservedQueue[] {
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
    return this.#rounds * this.capacity + this.#next / WORDS;
  }

  /** Events that newer ones have pushed out. */
  get dropped(): number {
    return Math.max(0, this.count - this.capacity);
  }

  /** The board that is recorded: call it before it runs. */
  attach(clock: VirtualClock | HostClock, ram: Ram): void {
    this.#stamps.clock = clock;
    this.#ram = ram;
    this.#halfwords = ram.u16;
  }

  /** Gives every event its time: call it before times are read. */
  complete(): void {
    const { count, dropped, times, words } = this;
    for (let event = dropped; event < count; event += 1) {
      const slot = event & this.#mask;
      const word0 = words[slot * WORDS] as number;
      if ((word0 & STAMPED) === 0) times[slot] = UNSTAMPED;
      words[slot * WORDS] = word0 | STAMPED;
    }
    interpolate(times, dropped & this.#mask, count - dropped);
  }

  started(pd: number, thread: UserThread): void {
    const described = flatten(this.system)[pd]?.pd;
    if (described === undefined) return;
    this.#probes.watch(pd, described, thread);
    this.#table = this.#probes.table;
  }

  readonly runs = (pd: number, how: number, regs: Uint32Array): void => {
    this.#running = pd;
    const low = (regs[A0] as number) | 0;
    this.#add3(RUN | (pd << 8) | (how << 16), low, (regs[A0 + 1] as number) | 0);
  };

  readonly enters = (pd: number, regs: Uint32Array): void => {
    this.#enter(ENTER, pd, regs);
  };

  readonly waits = (pd: number, regs: Uint32Array): void => {
    this.#enter(WAIT, pd, regs);
    if (this.#looks === 1) this.#look(pd);
  };

  /** Records each queue of a domain whose indices have moved since the domain looked at it last. */
  readonly #look = (pd: number): void => {
    const table = this.#table;
    const halfwords = this.#halfwords;
    // Queues of empty buffers are longer and tell less.
    const waits = (this.#waits + 1) % WAITS_PER_LOOK;
    this.#waits = waits;
    const parts = waits < WAITS_PER_LOOK - LOOKS ? 1 : 2;
    const end = table[PARTS * pd + parts] as number;
    for (let at = table[PARTS * pd] as number; at < end; at += LISTED) {
      const tail = halfwords[table[at] as number] as number;
      const head = halfwords[table[at + 1] as number] as number;
      const now = tail | (head << 16);
      if (now === table[at + 3]) continue;
      table[at + 3] = now;
      this.#add2(DEPTH | ((table[at + 2] as number) << 8), now);
    }
  };

  readonly returns = (pd: number): void => {
    this.#running = pd;
    this.#add1(RETURN | (pd << 8));
  };

  throws(pd: number, error: unknown): void {
    const what =
      error instanceof ThreadUnwound
        ? THROWN_UNWOUND
        : error instanceof MemoryFault
          ? THROWN_MEMORY_FAULT
          : THROWN_EXCEPTION;
    this.#add1(EVENT_THROW | (pd << 8) | (what << 16));
  }

  raised(irq: number): void {
    this.#add2(EVENT_RAISE, irq);
  }

  claimed(irq: number): void {
    this.#add2(EVENT_CLAIM, irq);
  }

  completed(irq: number): void {
    this.#add2(EVENT_COMPLETE, irq);
  }

  idle(): void {
    this.#add1(EVENT_IDLE);
    this.#stamps.turn();
    this.#turnBegins = 1;
    this.#stop = 0;
  }

  sliceBegins(): void {
    this.#stamps.pause();
    this.#turnBegins = 1;
    this.#stop = 0;
  }

  deviceMapped(device: number, name: string): void {
    assert(device < DEVICES_MAX, 'a board has few devices');
    this.#deviceNames[device] = name;
  }

  deviceRead(device: number, offset: number): void {
    this.#reads[device] = (this.#reads[device] as number) + 1;
    if (this.#registers === 'count') return;
    this.#add2(EVENT_MMIO_READ | (this.#running << 8) | (device << 16), offset);
  }

  deviceWritten(device: number, offset: number, value: number): void {
    this.#writes[device] = (this.#writes[device] as number) + 1;
    this.#written[device * REGISTERS + ((offset >>> 2) % REGISTERS)] = value | 0;
    if (offset === READY) this.#queueReady(device);
    if (this.#registers === 'count') return;
    this.#add3(EVENT_MMIO_WRITE | (this.#running << 8) | (device << 16), offset, value | 0);
  }

  /**
   * A driver has told its device where a virtqueue lies; other devices have something else in this
   * place.
   */
  #queueReady(device: number): void {
    const name = this.#deviceNames[device] ?? '';
    const kinds = virtqueuesOf(name);
    if (kinds === undefined || this.#ram === undefined) return;
    const from = device * REGISTERS;
    const queue = writtenVirtqueue(name, kinds, this.#written.subarray(from, from + REGISTERS));
    if (queue === undefined) return;
    this.#probes.watchVirtqueue(this.#running, queue, this.#ram);
    this.#table = this.#probes.table;
  }

  readonly #enter = (kind: number, pd: number, regs: Uint32Array): void => {
    const number = (regs[A7] as number) | 0;
    const to = number === NB_SEND_RECV ? regs[T0] : regs[A0];
    this.#add2(kind | (pd << 8) | ((-number & 0xff) << 16), (to as number) | 0);
  };

  readonly #add1 = (word0: number): void => {
    const at = this.#next;
    if (at < this.#stop) {
      this.words[at] = word0;
      this.#next = at + WORDS;
    } else {
      this.words[at] = word0 | this.#stamp(at);
    }
  };

  readonly #add2 = (word0: number, word1: number): void => {
    const { words } = this;
    const at = this.#next;
    if (at < this.#stop) {
      words[at] = word0;
      words[at + 1] = word1;
      this.#next = at + WORDS;
    } else {
      words[at] = word0 | this.#stamp(at);
      words[at + 1] = word1;
    }
  };

  readonly #add3 = (word0: number, word1: number, word2: number): void => {
    const at = this.#next;
    this.#add2(word0, word1);
    this.words[at + 2] = word2;
  };

  /** Gives the next event its time, and the ring's end its beginning. @returns the event's flags */
  #stamp(next: number): number {
    const { capacity, times, hostTimes } = this;
    const slot = next / WORDS;
    const without = this.#stamps.write(times, slot);
    if (hostTimes.length > 0) hostTimes[slot] = hostNow() - this.#startNs;
    const isLast = slot + 1 === capacity;
    if (isLast) this.#rounds += 1;
    this.#next = isLast ? 0 : next + WORDS;
    // The last slot has a time too, so that nobody else looks for the end.
    this.#stop = isLast ? 0 : Math.min(next + (1 + without) * WORDS, (capacity - 1) * WORDS);
    if (this.#turnBegins === 0) return STAMPED;
    this.#turnBegins = 0;
    const hadLooks = this.#looks;
    this.#chooseLooks();
    return hadLooks === 0 && this.#looks === 1 ? STAMPED | GAP : STAMPED;
  }

  /**
   * Looking at every queue costs as much as everything else: where turns follow closely, only some
   * have their queues looked at.
   */
  #chooseLooks(): void {
    const { isVirtual, lastNs } = this.#stamps;
    this.#looks = isVirtual || lastNs - this.#looksSinceNs >= LOOK_NS ? 1 : 0;
    if (this.#looks === 1) this.#looksSinceNs = lastNs;
  }
}
