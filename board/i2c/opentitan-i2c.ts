/**
 * OpenTitan's I2C controller, its host's part: a FIFO of formatted bytes (FMT), each with what to
 * do around it, and a FIFO of bytes received (RX). Registers are in `opentitan-registers.ts`.
 *
 * One entry of the FMT FIFO is one event of the clock, which takes as long as the timing registers
 * say: a byte is nine periods of SCL, a start and a stop condition their set-up and hold times.
 *
 * Not modelled: the target's part, loop-back, INTR_TEST's effects on levels, single bits. When the
 * host is disabled, the byte under way is given up and a stop condition is made at once; the chip
 * ends the byte first.
 *
 * Source: OpenTitan I2C, theory of operation and programmer's guide, hardware revision 1.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import type { Device, IrqLine, Lint } from '../device.ts';
import type { I2cBus, Outcome } from './i2c-bus.ts';
import * as r from './opentitan-registers.ts';

export interface OpenTitanI2cOptions {
  readonly clock: Clock;
  readonly lint: Lint;
  readonly bus: I2cBus;
  /** A line for each interrupt that is connected. */
  readonly irqs: Partial<Readonly<Record<r.Interrupt, IrqLine>>>;
  /** Of the controller's clock, in nanoseconds; Cheshire's 20. */
  readonly periodNs?: number;
}

const NAME = 'opentitan-i2c';
const PERIOD_NS = 20;
/** What a glitch filter and the state machine add to each edge, in clocks. */
const TIMINGS = 5;

export class OpenTitanI2c implements Device {
  readonly #clock: Clock;
  readonly #lint: Lint;
  readonly bus: I2cBus;
  readonly #irqs: Partial<Readonly<Record<r.Interrupt, IrqLine>>>;
  readonly #periodNs: number;
  readonly #fmt: number[] = [];
  readonly #rx: number[] = [];
  readonly #timing = new Uint32Array(TIMINGS);
  #state = 0;
  #enabled = 0;
  #ctrl = 0;
  #levels = 0;
  #ovrd = 0;
  #timeoutCtrl = 0;
  #hostTimeout = 0;
  #targetId = 0;
  /** Between a start condition and its stop. */
  #isBegun = false;
  /** Direction in which the address byte of this transaction went. */
  #isReading = false;
  /** Of the entry under way: bytes still to be read. */
  #bytesLeft = 0;
  #isBusy = false;
  #isStretched = false;
  readonly #step: ClockEvent = { fire: () => this.#finishStep() };
  readonly #stretchTimeout: ClockEvent = { fire: () => this.#event('stretch_timeout') };
  /** What the step under way does when it is over. */
  #then: () => void = () => undefined;

  constructor({ clock, lint, bus, irqs, periodNs = PERIOD_NS }: OpenTitanI2cOptions) {
    this.#clock = clock;
    this.#lint = lint;
    this.bus = bus;
    this.#irqs = irqs;
    this.#periodNs = periodNs;
    bus.whenSclFree = () => {
      if (this.#isStretched) clock.schedule(this.#step, clock.now());
    };
  }

  read(offset: number, width: number): number {
    if (width !== 4) return this.#refuse('an access that is not 32 bits wide');
    switch (offset) {
      case r.INTR_STATE:
        return this.#state;
      case r.INTR_ENABLE:
        return this.#enabled;
      case r.CTRL:
        return this.#ctrl;
      case r.STATUS:
        return this.#status();
      case r.RDATA:
        return this.#takeReceived();
      case r.FIFO_CTRL:
        return this.#levels;
      case r.FIFO_STATUS:
        return this.#fmt.length | (this.#rx.length << 16);
      case r.OVRD:
        return this.#ovrd;
      case r.VAL:
        return this.#sampled();
      case r.TIMEOUT_CTRL:
        return this.#timeoutCtrl;
      case r.HOST_TIMEOUT_CTRL:
        return this.#hostTimeout;
      case r.TARGET_ID:
        return this.#targetId;
      default:
        if (isTiming(offset)) return this.#timing[(offset - r.TIMING0) / 4] as number;
        // Written only, or of the target's part, which has nothing to say.
        return 0;
    }
  }

  /** All registers but one are only read by a read. */
  peek(offset: number, width: number): number | undefined {
    if (width !== 4) return undefined;
    return offset === r.RDATA ? this.#rx[0] : this.read(offset, width);
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 4) {
      this.#refuse('an access that is not 32 bits wide');
      return;
    }
    switch (offset) {
      case r.INTR_STATE:
        this.#state &= ~value;
        return this.#updateLines();
      case r.INTR_ENABLE:
        this.#enabled = value & 0x7fff;
        return this.#updateLines();
      case r.INTR_TEST:
        this.#state |= value & 0x7fff;
        return this.#updateLines();
      case r.CTRL:
        return this.#setControl(value);
      case r.FDATA:
        return this.#format(value);
      case r.FIFO_CTRL:
        return this.#controlFifos(value);
      case r.OVRD:
        return this.#override(value & 7);
      case r.TIMEOUT_CTRL:
        this.#timeoutCtrl = value >>> 0;
        return;
      case r.HOST_TIMEOUT_CTRL:
        this.#hostTimeout = value >>> 0;
        return;
      case r.TARGET_ID:
        this.#targetId = value >>> 0;
        return;
      default:
        if (isTiming(offset)) this.#timing[(offset - r.TIMING0) / 4] = value;
    }
  }

  reset(): void {
    this.#clock.cancel(this.#step);
    this.#clock.cancel(this.#stretchTimeout);
    this.#fmt.length = 0;
    this.#rx.length = 0;
    this.#timing.fill(0);
    this.#state = 0;
    this.#enabled = 0;
    this.#ctrl = 0;
    this.#levels = 0;
    this.#ovrd = 0;
    this.#timeoutCtrl = 0;
    this.#hostTimeout = 0;
    this.#targetId = 0;
    this.#isBegun = false;
    this.#isReading = false;
    this.#bytesLeft = 0;
    this.#isBusy = false;
    this.#isStretched = false;
    this.#updateLines();
  }

  snapshot(): Record<string, unknown> {
    return {
      interrupts: r.INTERRUPTS.filter((_, bit) => (this.#state & (1 << bit)) !== 0),
      enabled: this.#enabled,
      host: this.#isEnabled,
      busy: this.#isBusy,
      fmt: this.#fmt.length,
      rx: this.#rx.length,
      bus: this.bus.snapshot(),
    };
  }

  // ------------------------------------------------------------------------------- registers

  get #isEnabled(): boolean {
    return (this.#ctrl & r.CTRL_ENABLEHOST) !== 0;
  }

  #status(): number {
    return (
      (this.#fmt.length === r.FIFO_DEPTH ? r.STATUS_FMTFULL : 0) |
      (this.#rx.length === r.FIFO_DEPTH ? r.STATUS_RXFULL : 0) |
      (this.#fmt.length === 0 ? r.STATUS_FMTEMPTY : 0) |
      (this.#isBusy ? 0 : r.STATUS_HOSTIDLE) |
      (this.#rx.length === 0 ? r.STATUS_RXEMPTY : 0) |
      r.STATUS_NO_TARGET
    );
  }

  #setControl(value: number): void {
    if ((value & (r.CTRL_ENABLETARGET | r.CTRL_LLPBK)) !== 0) {
      this.#refuse('the target’s part and loop-back are not modelled');
    }
    this.#ctrl = value & r.CTRL_ENABLEHOST;
    if (this.#isEnabled) this.#next();
    else this.#giveUp();
  }

  /** The bus is let go, with a stop condition where a transaction is under way. */
  #giveUp(): void {
    this.#clock.cancel(this.#step);
    this.#clock.cancel(this.#stretchTimeout);
    this.#isBusy = false;
    this.#isStretched = false;
    this.#bytesLeft = 0;
    if (!this.#isBegun) return;
    this.#isBegun = false;
    this.bus.stop(this.#clock.now());
  }

  #format(value: number): void {
    const isRead = (value & r.FDATA_READB) !== 0;
    const isWrong =
      (!isRead && (value & r.FDATA_RCONT) !== 0) ||
      (isRead && (value & (r.FDATA_START | r.FDATA_NAKOK)) !== 0) ||
      (isRead && (value & r.FDATA_STOP) !== 0 && (value & r.FDATA_RCONT) !== 0);
    if (isWrong) this.#refuse('FDATA with flags that exclude each other');
    if (this.#fmt.length === r.FIFO_DEPTH) {
      this.#event('fmt_overflow');
      return;
    }
    this.#fmt.push(value & 0x1fff);
    this.#next();
  }

  #takeReceived(): number {
    const byte = this.#rx.shift();
    return byte ?? this.#refuse('RDATA read while the RX FIFO is empty');
  }

  #controlFifos(value: number): void {
    this.#levels = value & r.FIFO_CTRL_LEVELS;
    if ((value & r.FIFO_CTRL_RXRST) !== 0) this.#rx.length = 0;
    if ((value & r.FIFO_CTRL_FMTRST) !== 0) this.#fmt.length = 0;
  }

  /** A driver that drives the wires itself: each rise of SCL is a clock for whoever holds SDA. */
  #override(value: number): void {
    const before = this.#ovrd;
    this.#ovrd = value;
    const rises = (before & r.OVRD_SCLVAL) === 0 && (value & r.OVRD_SCLVAL) !== 0;
    if ((value & r.OVRD_TXOVRDEN) !== 0 && rises && !this.bus.isSclLow) this.bus.clock();
  }

  #sampled(): number {
    const isDriven = (this.#ovrd & r.OVRD_TXOVRDEN) !== 0;
    const isSclLow = this.bus.isSclLow || (isDriven && (this.#ovrd & r.OVRD_SCLVAL) === 0);
    const isSdaLow = this.bus.isSdaLow || (isDriven && (this.#ovrd & r.OVRD_SDAVAL) === 0);
    return ((isSclLow ? 0 : r.VAL_SCL) | (isSdaLow ? 0 : r.VAL_SDA)) >>> 0;
  }

  // --------------------------------------------------------------------------------- the host

  /** Begins the next step, when nothing is under way. */
  #next(): void {
    if (this.#isBusy || !this.#isEnabled) return;
    const entry = this.#fmt.shift();
    if (entry === undefined) return;
    this.#isBusy = true;
    if (this.#fmt.length === this.#fmtLevel() - 1) this.#event('fmt_threshold');
    if ((entry & r.FDATA_READB) !== 0) {
      const count = entry & r.FDATA_FBYTE;
      this.#bytesLeft = count === 0 ? 256 : count;
      this.#take(this.#byteNs(), () => this.#receive(entry));
    } else {
      const isStart = (entry & r.FDATA_START) !== 0;
      this.#take((isStart ? this.#startNs() : 0) + this.#byteNs(), () => this.#send(entry));
    }
  }

  #take(ns: number, then: () => void): void {
    this.#then = then;
    this.#clock.schedule(this.#step, this.#clock.now() + ns);
  }

  #finishStep(): void {
    if (this.#isStretched) {
      this.#isStretched = false;
      this.#clock.cancel(this.#stretchTimeout);
    }
    this.#then();
  }

  #send(entry: number): void {
    const isStart = (entry & r.FDATA_START) !== 0;
    const byte = entry & r.FDATA_FBYTE;
    const now = this.#clock.now();
    if (isStart && this.#isBegun) this.#event('cmd_complete');
    if (isStart) {
      this.#isBegun = true;
      this.#isReading = (byte & 1) === 1;
      this.#checkSpeed(byte >>> 1);
    }
    const outcome = isStart ? this.bus.start(byte, now) : this.bus.write(byte, now);
    this.#after(outcome, () => {
      if (!outcome.isAcknowledged && (entry & r.FDATA_NAKOK) === 0) this.#event('nak');
      this.#end(entry);
    });
  }

  #receive(entry: number): void {
    if (!this.#isReading) this.#refuse('READB without an address for reading before it');
    const outcome = this.bus.read(this.#clock.now());
    this.#after(outcome, () => {
      this.#put(outcome.byte);
      this.#bytesLeft -= 1;
      if (this.#bytesLeft > 0) this.#take(this.#byteNs(), () => this.#receive(entry));
      else this.#end(entry);
    });
  }

  #put(byte: number): void {
    if (this.#rx.length === r.FIFO_DEPTH) {
      this.#event('rx_overflow');
      return;
    }
    this.#rx.push(byte);
    if (this.#rx.length === this.#rxLevel()) this.#event('rx_threshold');
  }

  /** Goes on when SCL is high again. */
  #after({ isDisturbed, stretchNs }: Outcome, then: () => void): void {
    if (isDisturbed) this.#event('sda_interference');
    if (stretchNs === 0) {
      then();
      return;
    }
    this.#isStretched = true;
    const isWatched = (this.#timeoutCtrl & r.TIMEOUT_CTRL_EN) !== 0;
    const limitNs = (this.#timeoutCtrl & 0x7fff_ffff) * this.#periodNs;
    const now = this.#clock.now();
    if (isWatched && stretchNs > limitNs) this.#clock.schedule(this.#stretchTimeout, now + limitNs);
    this.#then = then;
    if (stretchNs !== Infinity) this.#clock.schedule(this.#step, now + stretchNs);
  }

  #end(entry: number): void {
    if ((entry & r.FDATA_STOP) === 0) {
      this.#isBusy = false;
      this.#next();
      return;
    }
    this.#take(this.#stopNs(), () => {
      this.bus.stop(this.#clock.now());
      this.#isBegun = false;
      this.#isBusy = false;
      this.#event('cmd_complete');
      this.#next();
    });
  }

  // ------------------------------------------------------------------------------------ times

  #field(register: number, half: 'low' | 'high'): number {
    const value = this.#timing[register] as number;
    return half === 'low' ? value & 0xffff : value >>> 16;
  }

  /** T_HIGH, T_LOW, t_r and t_f. */
  #periodOfSclNs(): number {
    const clocks =
      this.#field(0, 'low') +
      this.#field(0, 'high') +
      this.#field(1, 'low') +
      this.#field(1, 'high');
    return clocks * this.#periodNs;
  }

  /** Eight bits and the acknowledgement. */
  #byteNs(): number {
    return 9 * this.#periodOfSclNs();
  }

  /** TSU_STA and THD_STA. */
  #startNs(): number {
    return (this.#field(2, 'low') + this.#field(2, 'high')) * this.#periodNs;
  }

  /** TSU_STO, and T_BUF until the bus is free. */
  #stopNs(): number {
    return (this.#field(4, 'low') + this.#field(4, 'high')) * this.#periodNs;
  }

  #checkSpeed(address: number): void {
    const target = this.bus.targets.find((each) => each.address === address);
    if (target === undefined) return;
    if (this.#periodOfSclNs() * target.speedMax >= 1e9) return;
    const what = `SCL is faster than the ${target.speedMax / 1000} kHz of '${target.name}'`;
    this.#lint.report(NAME, 'UM10204 table 10', what, 'later');
  }

  // ------------------------------------------------------------------------------- interrupts

  #fmtLevel(): number {
    return r.FMT_LEVELS[(this.#levels >>> 5) & 3] ?? 1;
  }

  #rxLevel(): number {
    return r.RX_LEVELS[(this.#levels >>> 2) & 7] ?? 1;
  }

  #event(name: r.Interrupt): void {
    this.#state |= 1 << r.INTERRUPTS.indexOf(name);
    this.#updateLines();
  }

  #updateLines(): void {
    for (const [bit, name] of r.INTERRUPTS.entries()) {
      const line = this.#irqs[name];
      if (line === undefined) continue;
      if ((this.#state & this.#enabled & (1 << bit)) === 0) line.lower();
      else line.raise();
    }
  }

  #refuse(what: string): 0 {
    this.#lint.report(NAME, 'OpenTitan I2C', what);
    return 0;
  }
}

function isTiming(offset: number): boolean {
  return offset >= r.TIMING0 && offset <= r.TIMING4 && offset % 4 === 0;
}
