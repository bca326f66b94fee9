/**
 * What a program sees of its protection domain: Microkit's set with Microkit's meanings. The only
 * file of this room that drivers, virtualisers, clients and host programs import.
 *
 *     export function main(pd: ProtectionDomain<EchoConfig>): EntryPoints {
 *       // this body is `init`
 *       return { notified(channel) { … } };
 *     }
 *
 * A program keeps no state outside `main`, so that it can be instantiated many times.
 */

import type { DeviceRegion, ReadonlyRegion, Region } from '../memory/region.ts';
import type { Counters } from '../queues/counters.ts';

/** Identifier of a channel or an interrupt in its protection domain: 0..61. */
export type Channel = number;

/**
 * Message information: `label * 4096 + count`; the label is below 2^20 here. See
 * {@link messageInfo}.
 */
export type MessageInfo = number;

/**
 * @param label an integer of 0..2^20-1
 * @param count message registers that go with it, 0..120; up to 127 is kept as it is, and the
 * kernel sends what there is
 * @throws RangeError when they are anything else
 */
export function messageInfo(label: number, count: number): MessageInfo {
  if ((label & 0xf_ffff) !== label || (count & 0x7f) !== count) throw infoError(label, count);
  return ((label << 12) | count) >>> 0;
}

function infoError(label: unknown, count: unknown): RangeError {
  return new RangeError(`a message of label ${String(label)} and ${String(count)} registers`);
}

/** @returns the label of a message, 0..2^20-1 */
export function messageLabel(info: MessageInfo): number {
  return info >>> 12;
}

/** @returns how many message registers go with a message, 0..127 */
export function messageCount(info: MessageInfo): number {
  return info & 0x7f;
}

/**
 * A fault of a child: `label` is the fault type (`FAULT_…` of the kernel's ABI), `words` its
 * message registers.
 */
export interface ChildFault {
  readonly label: number;
  readonly words: readonly number[];
}

/**
 * A program's entry points, as Microkit names them. They are called as functions, without `this`,
 * which saves a third of a wake-up's time. What they do ends when they return: none of them may be
 * `async`.
 */
export interface EntryPoints {
  /**
   * Another domain has notified, or an interrupt has arrived, on this channel. Lowest channel
   * first.
   */
  notified(this: void, channel: Channel): void | undefined;
  /** Another domain calls; arguments and results are in the message registers. */
  protected?(this: void, channel: Channel, message: MessageInfo): MessageInfo;
  /**
   * A child has faulted. 'resume' lets it go on: the entry point that was cut off runs again from
   * its beginning, which is the nearest thing here to running an instruction again. 'stay' leaves
   * it blocked.
   */
  fault?(this: void, child: number, fault: ChildFault): 'resume' | 'stay';
  /**
   * How much the program has done so far, in any unit that never decreases. When it is the same
   * before and after a wake-up, the wake-up is counted as wasted.
   */
  progress?(this: void): number;
  /**
   * Whether the program waits for time to pass: a time-out has been set that somebody counts on, or
   * a device owes an answer that a watchdog would miss. Asked of all programs when nothing but the
   * clock's alarm is ahead: if none of them waits, a run "until all is quiet" is over. Left out:
   * the driver of the clock waits, as others cannot be asked; any other does not.
   */
  awaitsTime?(this: void): boolean;
  /**
   * What the program counts. It is shown at the end of a run, even if the counters lie in no
   * region. /
   */
  readonly counters?: Counters<string>;
}

/** A TCB by a user capability. The results are error numbers of the kernel's ABI, 0 for none. */
export interface UserTcb {
  /** Suspending oneself does not return. */
  suspend(): number;
  resume(): number;
}

/** @typeParam Symbols names of the variables that the program declares, when it wants them typed */
export interface ProtectionDomain<Config = unknown, Symbols extends string = string> {
  /** The domain's name in the description. */
  readonly name: string;
  /** What the description's builder made for this domain. */
  readonly config: Config;
  /** Values patched in by the description (`setvar`), by symbol. */
  readonly vars: Readonly<Record<Symbols, number>>;

  /**
   * A memory region that the description maps readable and writable.
   *
   * @throws Error when it maps no such region here, maps it read-only, or it is a device's
   * registers
   */
  region(name: string): Region;
  /**
   * A memory region to read; the description may let it be written, too.
   *
   * @throws Error when the description maps no such region here, or it is a device's registers
   */
  readonlyRegion(name: string): ReadonlyRegion;
  /**
   * A device's registers. Each access of 8, 16 or 32 bits reaches the device.
   *
   * @throws Error when the description maps no such region here, maps it read-only, or it is memory
   */
  deviceRegion(name: string): DeviceRegion;

  /** Signals the peer. A peer of higher priority runs before this returns. */
  notify(channel: Channel): void;
  /**
   * Signals the peer together with the wait for the next event, which saves a kernel entry. There
   * is room for one: a second replaces the first, which is counted as lost.
   */
  deferredNotify(channel: Channel): void;
  /** Acknowledges the interrupt: it can be delivered again. */
  irqAck(channel: Channel): void;
  /** As {@link irqAck}, together with the wait for the next event; see {@link deferredNotify}. */
  deferredIrqAck(channel: Channel): void;
  /**
   * Calls the peer's `protected`, and returns when it has replied. The peer must have a higher
   * priority.
   */
  ppcall(channel: Channel, message: MessageInfo): MessageInfo;
  /** Message register `index`, 0..119; a peer's word of 2^53 and above comes rounded. */
  mr(index: number): number;
  /**
   * Sets message register `index`, 0..119.
   *
   * @param value an unsigned number below 2^53
   */
  setMr(index: number, value: number): void;

  /**
   * Starts a child's `init` again, as Microkit does, on its memory as it is. 'fresh': memory that
   * the child alone maps is first set back to what it was at boot.
   */
  restart(child: number, memory?: 'as it is' | 'fresh'): void;
  /** Suspends a child. Children are named by their identifier, 0..61. */
  stop(child: number): void;
  /** Lets a child that was stopped go on where it was. */
  resume(child: number): void;
  /** The TCB that the description has put into this slot of the CSpace (`cap_tcb`): 1..63. */
  userTcb(slot: number): UserTcb;

  /** One line of debug output. */
  log(text: string): void;
}

/**
 * What a program keeps, as a class: derived from this one, fields can be declared with values made
 * from `pd`.
 *
 *     class Echo extends ProgramState<EchoConfig> {
 *       readonly #received = new NetConsumer(this.pd.region(this.pd.config.rx.activeQueue), 512);
 *     }
 *
 * Assigned in a constructor, the same field would not begin with its own kind: `docs/hot-code.md`.
 */
export abstract class ProgramState<Config> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  protected readonly pd: ProtectionDomain<Config>;

  constructor(pd: ProtectionDomain<Config>) {
    this.pd = pd;
  }

  /** @returns the region, where the configuration names one */
  protected optionalRegion(name: string | undefined): Region | undefined {
    return name === undefined ? undefined : this.pd.region(name);
  }
}

/**
 * A program: its one entry function. The body is Microkit's `init`. A module that a `.system` file
 * names exports it as `main`; beside it, `counters` may name the counters in its `stats` region
 * (`counterNames`), so that a run shows them, and `symbols` its variables, so that a description
 * that sets any other is refused.
 */
export type Program<Config = never> = (pd: ProtectionDomain<Config>) => EntryPoints;
