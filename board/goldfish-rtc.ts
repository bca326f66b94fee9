/**
 * Goldfish RTC: a 64-bit nanosecond clock with one alarm (register set of QEMU's `goldfish_rtc`).
 *
 * Its time is the board's clock plus an offset. Power-on is at a fixed epoch, not at the host's
 * wall clock, so that a run can be repeated. Absolute times exceed 2^53, hence the pairs of 32-bit
 * halves.
 */

import type { Clock, ClockEvent } from './clock.ts';
import type { Device, IrqLine, Lint } from './device.ts';

/** Offsets of the registers. */
export const GOLDFISH_RTC = {
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
} as const;

/** 2024-01-01T00:00:00Z. */
export const DEFAULT_EPOCH_SECONDS = 1_704_067_200;

/** Registers that are read, and of which a read does nothing besides. */
const SHOWN: readonly number[] = [
  GOLDFISH_RTC.TIME_HIGH,
  GOLDFISH_RTC.ALARM_LOW,
  GOLDFISH_RTC.ALARM_HIGH,
  GOLDFISH_RTC.IRQ_ENABLED,
  GOLDFISH_RTC.ALARM_STATUS,
];

const TWO_32 = 0x1_0000_0000;
const NS_PER_S = 1_000_000_000;

export interface GoldfishRtcOptions {
  readonly clock: Clock;
  readonly irqLine: IrqLine;
  readonly lint: Lint;
  /** Seconds of Unix time at power-on. */
  readonly epochSeconds?: number;
}

export class GoldfishRtc implements Device {
  readonly #clock: Clock;
  readonly #irqLine: IrqLine;
  readonly #lint: Lint;
  readonly #epochSeconds: number;
  /** On the board's schedule while the alarm is set. */
  readonly alarm: ClockEvent = { fire: () => this.#ring() };
  // Guest time = clock + offset.
  #offsetLow = 0;
  #offsetHigh = 0;
  #latchedHigh = 0;
  #alarmLow = 0;
  #alarmHigh = 0;
  #armed = false;
  #pending = false;
  #irqEnabled = false;

  constructor(options: GoldfishRtcOptions) {
    this.#clock = options.clock;
    this.#irqLine = options.irqLine;
    this.#lint = options.lint;
    this.#epochSeconds = options.epochSeconds ?? DEFAULT_EPOCH_SECONDS;
    this.reset();
  }

  read(offset: number, width: number): number {
    if (width !== 4) return this.#refuse('an access that is not 32 bits wide');
    switch (offset) {
      case GOLDFISH_RTC.TIME_LOW:
        return this.#readTime();
      case GOLDFISH_RTC.TIME_HIGH:
        return this.#latchedHigh;
      case GOLDFISH_RTC.ALARM_LOW:
        return this.#alarmLow;
      case GOLDFISH_RTC.ALARM_HIGH:
        return this.#alarmHigh;
      case GOLDFISH_RTC.IRQ_ENABLED:
        return this.#irqEnabled ? 1 : 0;
      case GOLDFISH_RTC.ALARM_STATUS:
        return this.#armed ? 1 : 0;
      default:
        return this.#refuse('a register that is not readable is read');
    }
  }

  peek(offset: number, width: number): number | undefined {
    if (width !== 4) return undefined;
    if (offset === GOLDFISH_RTC.TIME_LOW) return this.#time().low;
    return SHOWN.includes(offset) ? this.read(offset, width) : undefined;
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 4) {
      this.#refuse('an access that is not 32 bits wide');
      return;
    }
    switch (offset) {
      case GOLDFISH_RTC.TIME_LOW:
        return this.#setTime(this.#time().high, value >>> 0);
      case GOLDFISH_RTC.TIME_HIGH:
        return this.#setTime(value >>> 0, this.#time().low);
      case GOLDFISH_RTC.ALARM_LOW:
        this.#alarmLow = value >>> 0;
        this.#armed = true;
        return this.#setAlarm();
      case GOLDFISH_RTC.ALARM_HIGH:
        this.#alarmHigh = value >>> 0;
        return;
      case GOLDFISH_RTC.IRQ_ENABLED:
        this.#irqEnabled = (value & 1) === 1;
        return this.#updateIrq();
      case GOLDFISH_RTC.CLEAR_ALARM:
        this.#armed = false;
        return this.#clock.cancel(this.alarm);
      case GOLDFISH_RTC.CLEAR_INTERRUPT:
        this.#pending = false;
        return this.#updateIrq();
      default:
        this.#refuse('a register that is not writable is written');
    }
  }

  reset(): void {
    const epoch = nanoseconds(this.#epochSeconds);
    this.#offsetHigh = epoch.high;
    this.#offsetLow = epoch.low;
    this.#latchedHigh = 0;
    this.#alarmLow = 0;
    this.#alarmHigh = 0;
    this.#armed = false;
    this.#pending = false;
    this.#irqEnabled = false;
    this.#clock.cancel(this.alarm);
    this.#updateIrq();
  }

  snapshot(): Record<string, unknown> {
    return {
      armed: this.#armed,
      pending: this.#pending,
      irqEnabled: this.#irqEnabled,
      time: this.#time(),
      alarm: { high: this.#alarmHigh, low: this.#alarmLow },
    };
  }

  #time(): Wide {
    const nowNs = this.#clock.now();
    const low = (nowNs % TWO_32) + this.#offsetLow;
    const carry = low >= TWO_32 ? 1 : 0;
    const high = Math.floor(nowNs / TWO_32) + this.#offsetHigh + carry;
    return { high: high >>> 0, low: low >>> 0 };
  }

  /** Reading the low half latches the high half, so that the two belong together. */
  #readTime(): number {
    const time = this.#time();
    this.#latchedHigh = time.high;
    return time.low;
  }

  #setTime(high: number, low: number): void {
    const nowNs = this.#clock.now();
    const offsetLow = low - (nowNs % TWO_32);
    const borrow = offsetLow < 0 ? 1 : 0;
    this.#offsetLow = offsetLow >>> 0;
    this.#offsetHigh = (high - Math.floor(nowNs / TWO_32) - borrow) >>> 0;
    if (this.#armed) this.#setAlarm();
  }

  /** An alarm that is not in the future rings at once. */
  #setAlarm(): void {
    const time = this.#time();
    const leftNs = (this.#alarmHigh - time.high) * TWO_32 + (this.#alarmLow - time.low);
    if (leftNs > 0) {
      this.#clock.schedule(this.alarm, this.#clock.now() + leftNs);
    } else {
      this.#clock.cancel(this.alarm);
      this.#ring();
    }
  }

  #ring(): void {
    this.#armed = false;
    this.#pending = true;
    this.#updateIrq();
  }

  #updateIrq(): void {
    if (this.#pending && this.#irqEnabled) this.#irqLine.raise();
    else this.#irqLine.lower();
  }

  #refuse(what: string): 0 {
    this.#lint.report('goldfish-rtc', 'bus', what);
    return 0;
  }
}

/** A 64-bit number as two halves. */
interface Wide {
  readonly high: number;
  readonly low: number;
}

/** @returns `seconds` in ns; the product is built from 16-bit parts, each below 2^53 */
function nanoseconds(seconds: number): Wide {
  const upper = Math.floor(seconds / 0x1_0000) * NS_PER_S;
  const lower = (upper % 0x1_0000) * 0x1_0000 + (seconds % 0x1_0000) * NS_PER_S;
  return {
    high: (Math.floor(upper / 0x1_0000) + Math.floor(lower / TWO_32)) >>> 0,
    low: lower % TWO_32,
  };
}
