/**
 * NS16550A: a UART as its data sheet has it, with the automatic flow control of the TL16C550C.
 *
 * A character takes its time on the line; interrupts rise and fall by the rules of the data sheet,
 * not when it is convenient. On a line at `fast` rate characters take no time: the transmit FIFO is
 * then always empty, and the line sends only what the receive FIFO has room for.
 *
 * This file is the registers, a row for each, and the pins. What is behind them:
 * `ns16550a-receiver.ts`, `ns16550a-transmitter.ts`, `ns16550a-modem.ts` and
 * `ns16550a-interrupts.ts`. `ns16550a-registers.ts` lists every bit.
 */

import type { Device, Lint } from '../device.ts';
import { INPUT_CTS } from '../serial-wire.ts';
import type { SerialEnd, SerialWire } from '../serial-wire.ts';
import { BreakDetector } from './break-detector.ts';
import { LineTiming } from './line-timing.ts';
import { Ns16550aInterrupts } from './ns16550a-interrupts.ts';
import { Ns16550aModem } from './ns16550a-modem.ts';
import { Ns16550aReceiver } from './ns16550a-receiver.ts';
import * as r from './ns16550a-registers.ts';
import { Ns16550aTransmitter } from './ns16550a-transmitter.ts';
import { type Register, RegisterTable, storedRegister } from './register-table.ts';
import type { UartOptions } from './uart-options.ts';

/** QEMU's `virt` board has 3.6864 MHz. */
export const NS16550A_CLOCK_HZ = 3_686_400;

const DOCUMENT = 'PC16550D';
const SHOWN = ['IER', 'IIR', 'FCR', 'LCR', 'MCR', 'LSR', 'MSR'];

export class Ns16550a implements Device, SerialEnd {
  readonly #wire: SerialWire;
  readonly #lint: Lint;
  readonly #clockHz: number;
  readonly #timing: LineTiming;
  readonly #transmitter: Ns16550aTransmitter;
  readonly #receiver: Ns16550aReceiver;
  readonly #modem: Ns16550aModem;
  readonly #interrupts: Ns16550aInterrupts;
  readonly #break: BreakDetector;
  readonly #registers: RegisterTable;
  /** A fast line, and nothing between THR and the wire: see {@link #sentAtOnce}. */
  #isPlain = false;
  #fcr = 0;
  #lcr = 0;
  #divisor = 0;

  constructor(options: UartOptions) {
    const { clock, irq, wire } = options;
    this.#wire = wire;
    this.#timing = new LineTiming(wire);
    this.#lint = options.lint;
    this.#clockHz = options.clockHz ?? NS16550A_CLOCK_HZ;
    const onPending = (): void => this.#interrupts.update();
    const transmitter = new Ns16550aTransmitter({
      clock,
      timing: this.#timing,
      mayTransmit: () => this.#mayTransmit(),
      shifted: (character) => this.#shifted(character),
      onPending,
    });
    const receiver = new Ns16550aReceiver(clock, onPending);
    const modem = new Ns16550aModem(wire);
    this.#break = new BreakDetector(clock, (character) => this.#arrived(character));
    this.#interrupts = new Ns16550aInterrupts(irq, { receiver, transmitter, modem });
    this.#transmitter = transmitter;
    this.#receiver = receiver;
    this.#modem = modem;
    this.#registers = new RegisterTable(this.#rows());
    wire.attach(this);
    this.reset();
  }

  /** The registers, in the data sheet's order; with DLAB the first two are the divisor's. */
  #rows(): readonly Register[] {
    const interrupts = this.#interrupts;
    const modem = this.#modem;
    const dlab = (): boolean => (this.#lcr & r.LCR_DLAB) !== 0;
    return [
      {
        name: 'RBR, THR, DLL',
        at: r.RBR,
        shown: () => (dlab() ? this.#divisor & 0xff : this.#receiver.next),
        read: () => (dlab() ? this.#divisor & 0xff : this.#readRbr()),
        write: (byte) =>
          dlab() ? this.#setDivisor((this.#divisor & 0xff00) | byte) : this.#writeThr(byte),
      },
      {
        name: 'IER',
        at: r.IER,
        peek: () => interrupts.ier,
        shown: () => (dlab() ? this.#divisor >>> 8 : interrupts.ier),
        read: () => (dlab() ? this.#divisor >>> 8 : interrupts.ier),
        write: (byte) =>
          dlab()
            ? this.#setDivisor((this.#divisor & 0xff) | (byte << 8))
            : interrupts.writeIer(byte),
      },
      {
        name: 'IIR',
        at: r.IIR,
        peek: () => interrupts.cause(),
        shown: () => interrupts.cause() | (this.#hasFifos() ? r.IIR_FIFO : 0),
        read: () => interrupts.takeCause() | (this.#hasFifos() ? r.IIR_FIFO : 0),
      },
      { name: 'FCR', at: r.FCR, peek: () => this.#fcr, write: (byte) => this.#writeFcr(byte) },
      { name: 'LCR', at: r.LCR, peek: () => this.#lcr, write: (byte) => this.#writeLcr(byte) },
      {
        name: 'MCR',
        at: r.MCR,
        peek: () => modem.mcr,
        write: (byte) => {
          modem.writeMcr(byte & 0x3f);
          this.#updatePlain();
          this.#transmitter.retry();
        },
      },
      { name: 'LSR', at: r.LSR, peek: () => this.#lsr(), read: () => this.#readLsr() },
      { name: 'MSR', at: r.MSR, peek: () => modem.msr, read: () => this.#readMsr() },
      storedRegister('SCR', r.SCR, 0xff),
    ];
  }

  read(offset: number, width: number): number {
    const read = width === 1 ? this.#registers.reader(offset) : undefined;
    return read === undefined ? this.#refuse('read', offset, width) : read();
  }

  peek(offset: number, width: number): number | undefined {
    return width === 1 ? this.#registers.shownAt(offset) : undefined;
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 1 || offset > r.SCR) {
      this.#refuse('write', offset, width);
      return;
    }
    const byte = value & 0xff;
    if (offset === r.THR && this.#isPlain && this.#sentAtOnce(byte)) return;
    const write = this.#registers.writer(offset);
    if (write === undefined) {
      const what = `write to a status register at ${offset}`;
      this.#lint.report('ns16550a', `${DOCUMENT} §8.4`, what);
    } else write(byte);
    this.#interrupts.update();
  }

  /**
   * Master reset (table I of the data sheet). The divisor latch and the scratch register keep what
   * they hold.
   */
  reset(): void {
    this.#interrupts.reset();
    this.#fcr = 0;
    this.#lcr = 0;
    this.#transmitter.reset();
    this.#receiver.reset();
    this.#receiver.setMode('single', 1);
    this.#break.reset();
    this.#modem.reset();
    this.#updateFormat();
    this.#interrupts.update();
  }

  snapshot(): Record<string, unknown> {
    return {
      ...this.#registers.snapshot(SHOWN),
      fifos: [this.#transmitter.length, this.#receiver.length],
      format: this.#timing.format,
    };
  }

  // The line's side.

  receive(character: number): void {
    // In loopback the receiver is disconnected from its pin.
    if (!this.#isLooped()) this.#arrived(character);
  }

  breakChanged(level: 'mark' | 'space'): void {
    if (this.#isLooped()) return;
    this.#break.changed(level, this.#timing.format, this.#timing.characterNs);
  }

  inputsChanged(): void {
    this.#modem.update();
    this.#transmitter.retry();
    this.#interrupts.update();
  }

  lineReady(): void {
    this.#transmitter.retry();
    this.#interrupts.update();
  }

  room(): number {
    if (this.#timing.format.baud === 0) return 0;
    return this.#receiver.depth - this.#receiver.length;
  }

  // Reads with side effects.

  #readRbr(): number {
    const value = this.#receiver.read();
    this.#modem.updateAutoRts(this.#receiver.length, this.#receiver.trigger);
    this.#wire.receiverReady();
    this.#interrupts.update();
    return value;
  }

  #readLsr(): number {
    const value = this.#lsr();
    if (this.#receiver.lineErrors !== 0) {
      this.#receiver.lineErrors = 0;
      this.#interrupts.update();
    }
    return value;
  }

  #readMsr(): number {
    const value = this.#modem.msr;
    this.#modem.deltas = 0;
    this.#interrupts.update();
    return value;
  }

  #lsr(): number {
    const receiver = this.#receiver;
    return (
      (receiver.length > 0 ? r.LSR_DR : 0) |
      receiver.lineErrors |
      (this.#transmitter.length === 0 ? r.LSR_THRE : 0) |
      (this.#transmitter.idle ? r.LSR_TEMT : 0) |
      (receiver.hasErrorInFifo ? r.LSR_FIFO_ERROR : 0)
    );
  }

  // Writes with side effects.

  /**
   * On a plain line, the common case in one step: nothing is queued, and the line takes the
   * character. Not by way of the transmitter, whose two closures would be a fifth of its time.
   */
  #sentAtOnce(byte: number): boolean {
    if (this.#transmitter.length > 0 || !this.#wire.ready()) return false;
    this.#wire.transmit(byte & this.#timing.dataMask);
    this.#transmitter.bypassed();
    if ((this.#interrupts.ier & r.IER_ETBEI) !== 0) this.#interrupts.update();
    return true;
  }

  #writeThr(byte: number): void {
    if (this.#transmitter.write(byte) === 'taken') return;
    this.#lint.report('ns16550a', `${DOCUMENT} §8.4`, 'write to a full transmitter');
  }

  #writeFcr(byte: number): void {
    const isToggled = ((byte ^ this.#fcr) & r.FCR_ENABLE) !== 0;
    // §8.5: the other bits are taken only when bit 0 is 1; a change of bit 0 empties both FIFOs.
    const resets = isToggled ? r.FCR_RX_RESET | r.FCR_TX_RESET : byte;
    this.#fcr = (byte & r.FCR_ENABLE) === 0 ? 0 : byte & 0xc9;
    const mode = this.#hasFifos() ? 'fifo' : 'single';
    if (isToggled) this.#transmitter.setMode(mode);
    else if (mode === 'single') return;
    const trigger = r.FCR_TRIGGERS[this.#fcr >>> r.FCR_TRIGGER_SHIFT] as number;
    this.#receiver.setMode(mode, mode === 'single' ? 1 : trigger);
    if ((resets & r.FCR_RX_RESET) !== 0) {
      this.#receiver.clear();
      this.#wire.receiverReady();
    }
    if ((resets & r.FCR_TX_RESET) !== 0) this.#transmitter.clear();
    this.#modem.updateAutoRts(this.#receiver.length, this.#receiver.trigger);
  }

  #writeLcr(byte: number): void {
    const changed = byte ^ this.#lcr;
    this.#lcr = byte;
    if ((changed & 0x3f) !== 0) this.#updateFormat();
    this.#updatePlain();
    if ((changed & r.LCR_BREAK) !== 0 && !this.#isLooped()) {
      this.#wire.setBreak((byte & r.LCR_BREAK) !== 0 ? 'space' : 'mark');
    }
  }

  #setDivisor(divisor: number): void {
    this.#divisor = divisor;
    this.#updateFormat();
    this.#transmitter.retry();
  }

  #updateFormat(): void {
    const baud = this.#divisor === 0 ? 0 : this.#clockHz / (16 * this.#divisor);
    this.#timing.set(r.lcrFormat(this.#lcr, baud));
    this.#receiver.setCharacterTime(this.#timing.characterNs);
    this.#updatePlain();
  }

  /** To be called when the line's speed, LCR or MCR have changed. */
  #updatePlain(): void {
    const isThr = (this.#lcr & (r.LCR_DLAB | r.LCR_BREAK)) === 0;
    const isSent = (this.#modem.mcr & (r.MCR_LOOP | r.MCR_AFE)) === 0;
    this.#isPlain = this.#timing.isInstant && isThr && isSent;
  }

  // Characters.

  #mayTransmit(): boolean {
    const { mcr } = this.#modem;
    if ((mcr & r.MCR_AFE) !== 0 && (this.#modem.inputs & INPUT_CTS) === 0) return false;
    return (mcr & r.MCR_LOOP) !== 0 || this.#wire.ready();
  }

  #shifted(character: number): void {
    if (this.#isLooped()) this.#arrived(character);
    // During a break the line stays at space whatever the shift register does.
    else if ((this.#lcr & r.LCR_BREAK) === 0) this.#wire.transmit(character);
  }

  #arrived(character: number): void {
    const data = character & this.#timing.dataMask;
    this.#receiver.arrived(data | (character & ~0xff));
    this.#modem.updateAutoRts(this.#receiver.length, this.#receiver.trigger);
    this.#interrupts.update();
  }

  #hasFifos(): boolean {
    return (this.#fcr & r.FCR_ENABLE) !== 0;
  }

  #isLooped(): boolean {
    return (this.#modem.mcr & r.MCR_LOOP) !== 0;
  }

  #refuse(what: string, offset: number, width: number): number {
    this.#lint.report('ns16550a', `${DOCUMENT} §8`, `${what} of ${width} bytes at ${offset}`);
    return 0;
  }
}
