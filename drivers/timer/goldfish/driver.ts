/**
 * Timer driver for the Goldfish real-time clock: passive, it runs on the time of its callers and of
 * its interrupt.
 *
 * A client has one time-out; setting a new one replaces it. The device has one alarm, which is kept
 * at the earliest time-out of all clients. When it comes, every client whose time has come is
 * notified, once.
 *
 * Source: sDDF 0.7 timer protocol (`queues/timer/config.ts`).
 */

import type { Channel, EntryPoints, MessageInfo, ProtectionDomain } from '../../../microkit/pd.ts';
import { messageInfo, messageLabel } from '../../../microkit/pd.ts';
import type { DeviceRegion } from '../../../memory/region.ts';
import { counterNames, Counters } from '../../../queues/counters.ts';
import {
  TIMER_GET_TIME,
  TIMER_SET_TIMEOUT,
  type TimerDriverConfig,
} from '../../../queues/timer/config.ts';
import * as regs from './regs.ts';

export const TIMER_DRIVER_COUNTERS = counterNames(
  'timeReads',
  'timeoutsSet',
  'timeoutsFired',
  'interrupts',
  /** Calls with a label that the protocol does not have, or from a channel that is no client's. */
  'callsRefused',
);
const COUNT = TIMER_DRIVER_COUNTERS;

const WORD = 0x1_0000_0000;
/**
 * Largest time since the start that a number holds exactly: 104 days; a time-out beyond it never
 * comes.
 */
const TIME_MAX = Number.MAX_SAFE_INTEGER;
const EMPTY_REPLY = messageInfo(0, 0);

/** Names of the counters in `stats`, for whoever runs this program from a description. */
export { TIMER_DRIVER_COUNTERS as counters };

/** Microkit's `init`. */
export function main(pd: ProtectionDomain<TimerDriverConfig>): EntryPoints {
  const driver = new GoldfishTimer(pd);
  return {
    notified: (channel) => driver.notified(channel),
    protected: (channel, message) => driver.call(channel, message),
    progress: () => driver.served,
    awaitsTime: () => driver.awaitsTime(),
    counters: driver.counters,
  };
}

class GoldfishTimer {
  /** Calls answered and time-outs fired so far. */
  served = 0;
  readonly #pd: ProtectionDomain<TimerDriverConfig>;
  readonly #registers: DeviceRegion;
  readonly #irq: Channel;
  readonly #clients: readonly Channel[];
  readonly #watchdogs: readonly Channel[];
  /** When each client's time-out comes, in nanoseconds since the start; `Infinity`: none. */
  readonly #timeoutAt: Float64Array;
  readonly counters: Counters<keyof typeof TIMER_DRIVER_COUNTERS>;
  /**
   * The device's time at the start. It counts from 1970, which needs more than the 53 bits of a
   * number.
   */
  readonly #startLow: number;
  readonly #startHigh: number;

  constructor(pd: ProtectionDomain<TimerDriverConfig>) {
    const { registers, irq, clients, watchdogs = [], stats } = pd.config;
    this.#pd = pd;
    this.#registers = pd.deviceRegion(registers);
    this.#irq = irq;
    this.#clients = clients;
    this.#watchdogs = watchdogs;
    this.#timeoutAt = new Float64Array(clients.length).fill(Infinity);
    this.counters = new Counters(
      TIMER_DRIVER_COUNTERS,
      stats === undefined ? undefined : pd.region(stats),
    );
    this.#registers.write32(regs.CLEAR_ALARM, 1);
    this.#registers.write32(regs.CLEAR_INTERRUPT, 1);
    this.#registers.write32(regs.IRQ_ENABLED, 1);
    this.#startLow = this.#registers.read32(regs.TIME_LOW);
    this.#startHigh = this.#registers.read32(regs.TIME_HIGH);
    pd.irqAck(irq);
  }

  notified(channel: Channel): void {
    if (channel !== this.#irq) return;
    this.counters.add(COUNT.interrupts, 1);
    this.#registers.write32(regs.CLEAR_INTERRUPT, 1);
    this.#fireDue();
    this.#pd.deferredIrqAck(this.#irq);
  }

  call(channel: Channel, message: MessageInfo): MessageInfo {
    const client = this.#clients.indexOf(channel);
    const label = messageLabel(message);
    if (client !== -1 && label === TIMER_GET_TIME) {
      this.served += 1;
      this.counters.add(COUNT.timeReads, 1);
      this.#pd.setMr(0, this.#now());
      return messageInfo(0, 1);
    }
    if (client !== -1 && label === TIMER_SET_TIMEOUT) {
      this.served += 1;
      this.counters.add(COUNT.timeoutsSet, 1);
      // A sum beyond 2^53 would be rounded: it is taken as the end of time.
      this.#timeoutAt[client] = Math.min(this.#now() + this.#pd.mr(0), TIME_MAX);
      this.#setAlarm();
      return EMPTY_REPLY;
    }
    this.counters.add(COUNT.callsRefused, 1);
    return EMPTY_REPLY;
  }

  /** Whether a time-out is ahead that somebody counts on. */
  awaitsTime(): boolean {
    return this.#clients.some(
      (channel, client) =>
        (this.#timeoutAt[client] as number) < Infinity && !this.#watchdogs.includes(channel),
    );
  }

  #fireDue(): void {
    const now = this.#now();
    for (const [client, channel] of this.#clients.entries()) {
      if ((this.#timeoutAt[client] as number) > now) continue;
      this.#timeoutAt[client] = Infinity;
      this.served += 1;
      this.counters.add(COUNT.timeoutsFired, 1);
      this.#pd.notify(channel);
    }
    this.#setAlarm();
  }

  /**
   * Keeps the alarm at the earliest time-out. One that has come meanwhile raises the interrupt at
   * once.
   */
  #setAlarm(): void {
    let earliest = Infinity;
    for (const at of this.#timeoutAt) earliest = Math.min(earliest, at);
    if (earliest === Infinity) {
      this.#registers.write32(regs.CLEAR_ALARM, 1);
      return;
    }
    const low = this.#startLow + (earliest % WORD);
    const carry = low >= WORD ? 1 : 0;
    const high = this.#startHigh + Math.floor(earliest / WORD) + carry;
    this.#registers.write32(regs.ALARM_HIGH, high);
    this.#registers.write32(regs.ALARM_LOW, low - carry * WORD);
  }

  /** @returns nanoseconds since the start; 0 when the clock has been set back to before it */
  #now(): number {
    const low = this.#registers.read32(regs.TIME_LOW);
    const high = this.#registers.read32(regs.TIME_HIGH);
    return Math.max(0, (high - this.#startHigh) * WORD + (low - this.#startLow));
  }
}
