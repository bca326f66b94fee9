/**
 * NS16550A: a UART as its data sheet has it, with the automatic flow control of the TL16C550C.
 *
 * A character takes its time on the line; interrupts rise and fall by the rules of the data sheet,
 * not when it is convenient. `ns16550a-registers.ts` lists every bit. On a line at `fast` rate
 * characters take no time: the transmit FIFO is then always empty, and the line sends only what the
 * receive FIFO has room for.
 */

import type { Clock, ClockEvent } from '../clock.ts';
import type { Device, IrqLine, Lint } from '../device.ts';
import { INPUT_CTS } from '../serial-wire.ts';
import type { SerialEnd, SerialWire } from '../serial-wire.ts';
import { BreakDetector } from './break-detector.ts';
import { LineTiming } from './line-timing.ts';
import { Ns16550aModem } from './ns16550a-modem.ts';
import { Ns16550aReceiver } from './ns16550a-receiver.ts';
import * as r from './ns16550a-registers.ts';
import { Transmitter } from './transmitter.ts';
import type { TransmitterOwner } from './transmitter.ts';
import type { UartOptions } from './uart-options.ts';

/** QEMU's `virt` board has 3.6864 MHz. */
export const NS16550A_CLOCK_HZ = 3_686_400;

const DOCUMENT = 'PC16550D';

export class Ns16550a implements Device, SerialEnd, TransmitterOwner {
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #wire: SerialWire;
  readonly #lint: Lint;
  readonly #clockHz: number;
  readonly #transmitter: Transmitter;
  readonly #receiver: Ns16550aReceiver;
  readonly #modem: Ns16550aModem;
  readonly #break: BreakDetector;

  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #scr = 0;
  #divisor = 0;
  #threCause: 'set' | 'clear' = 'clear';
  /** Whether two characters were in the transmit FIFO at once since it was last empty. */
  #twoQueued = true;
  #irqLevel = 0;
  readonly #timing: LineTiming;
  readonly #threDelay: ClockEvent = { fire: () => this.#setThreCause() };

  constructor(options: UartOptions) {
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#wire = options.wire;
    this.#timing = new LineTiming(options.wire);
    this.#lint = options.lint;
    this.#clockHz = options.clockHz ?? NS16550A_CLOCK_HZ;
    this.#transmitter = new Transmitter({ clock: this.#clock, owner: this, depth: r.FIFO_DEPTH });
    this.#break = new BreakDetector(this.#clock, (character) => this.#arrived(character));
    this.#receiver = new Ns16550aReceiver(this.#clock, () => this.#updateIrq());
    this.#modem = new Ns16550aModem(this.#wire);
    this.#wire.attach(this);
    this.reset();
  }

  // Registers.

  read(offset: number, width: number): number {
    if (width !== 1 || offset > r.SCR) return this.#refuse('read', offset, width);
    switch (offset) {
      case r.LSR:
        return this.#readLsr();
      case r.RBR:
        return this.#dlab() ? this.#divisor & 0xff : this.#readRbr();
      case r.IER:
        return this.#dlab() ? this.#divisor >>> 8 : this.#ier;
      case r.IIR:
        return this.#readIir();
      case r.LCR:
        return this.#lcr;
      case r.MCR:
        return this.#modem.mcr;
      case r.MSR:
        return this.#readMsr();
      default:
        return this.#scr;
    }
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 1 || offset > r.SCR) {
      this.#refuse('write', offset, width);
      return;
    }
    const byte = value & 0xff;
    if (offset === r.THR && this.#timing.instant === 'yes' && this.#sentAtOnce(byte)) return;
    switch (offset) {
      case r.THR:
        if (this.#dlab()) this.#setDivisor((this.#divisor & 0xff00) | byte);
        else this.#writeThr(byte);
        break;
      case r.IER:
        if (this.#dlab()) this.#setDivisor((this.#divisor & 0xff) | (byte << 8));
        else this.#writeIer(byte);
        break;
      case r.FCR:
        this.#writeFcr(byte);
        break;
      case r.LCR:
        this.#writeLcr(byte);
        break;
      case r.MCR:
        this.#modem.writeMcr(byte & 0x3f);
        this.#transmitter.retry();
        break;
      case r.SCR:
        this.#scr = byte;
        break;
      default:
        this.#lint.report(
          'ns16550a',
          `${DOCUMENT} §8.4`,
          `write to a status register at ${offset}`,
        );
    }
    this.#updateIrq();
  }

  /**
   * Master reset (table I of the data sheet). The divisor latch and the scratch register keep what
   * they hold.
   */
  reset(): void {
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#threCause = 'clear';
    this.#twoQueued = true;
    this.#transmitter.reset();
    this.#receiver.reset();
    this.#receiver.setMode('single');
    this.#break.reset();
    this.#clock.cancel(this.#threDelay);
    this.#modem.reset();
    this.#updateFormat();
    this.#updateIrq();
  }

  snapshot(): Record<string, unknown> {
    return {
      IER: this.#ier,
      IIR: this.#cause(),
      FCR: this.#fcr,
      LCR: this.#lcr,
      MCR: this.#modem.mcr,
      LSR: this.#lsr(),
      MSR: this.#modem.deltas | (this.#modem.inputs << 4),
      fifos: [this.#transmitter.fifo.length, this.#receiver.length],
      format: this.#timing.format,
    };
  }

  // The line's side.

  receive(character: number): void {
    // In loopback the receiver is disconnected from its pin.
    if (this.#looped() === 'no') this.#arrived(character);
  }

  breakChanged(level: 'mark' | 'space'): void {
    if (this.#looped() === 'no')
      this.#break.changed(level, this.#timing.format, this.#timing.characterNs);
  }

  inputsChanged(): void {
    this.#modem.update();
    this.#transmitter.retry();
    this.#updateIrq();
  }

  lineReady(): void {
    this.#transmitter.retry();
    this.#updateIrq();
  }

  room(): number {
    if (this.#timing.format.baud === 0) return 0;
    return this.#receiver.depth - this.#receiver.length;
  }

  // The transmitter's side.

  mayTransmit(): boolean {
    if (this.#timing.format.baud === 0) return false;
    const mcr = this.#modem.mcr;
    if ((mcr & r.MCR_AFE) !== 0 && (this.#modem.inputs & INPUT_CTS) === 0) return false;
    return (mcr & r.MCR_LOOP) !== 0 || this.#wire.ready();
  }

  characterNs(): number {
    return this.#timing.characterNs;
  }

  shifted(character: number): void {
    if (this.#looped() === 'yes') this.#arrived(character);
    // During a break the line stays at space whatever the shift register does.
    else if ((this.#lcr & r.LCR_BREAK) === 0) this.#wire.transmit(character);
  }

  levelFell(): void {
    if (this.#transmitter.fifo.length > 0) return;
    // §8.4.2: the interrupt waits for the last character's time less its stop bit, unless two were
    // queued at once.
    if (this.#twoQueued || this.#fifoOff() || this.#timing.characterNs === 0) {
      this.#setThreCause();
    } else {
      const delayNs = this.#timing.characterNs - this.#timing.format.stopBits * this.#timing.bitNs;
      this.#clock.schedule(this.#threDelay, Math.round(this.#clock.now() + delayNs));
    }
    this.#twoQueued = false;
  }

  // Reads with side effects.

  #readRbr(): number {
    const value = this.#receiver.read();
    this.#modem.updateAutoRts(this.#receiver.length, this.#trigger());
    this.#wire.receiverReady();
    this.#updateIrq();
    return value;
  }

  #readLsr(): number {
    const value = this.#lsr();
    if (this.#receiver.lineErrors !== 0) {
      this.#receiver.lineErrors = 0;
      this.#updateIrq();
    }
    return value;
  }

  #readIir(): number {
    const cause = this.#cause();
    if (cause === r.IIR_THRE) {
      this.#threCause = 'clear';
      this.#updateIrq();
    }
    return cause | (this.#fifoOff() ? 0 : r.IIR_FIFO);
  }

  #readMsr(): number {
    const value = this.#modem.deltas | (this.#modem.inputs << 4);
    this.#modem.deltas = 0;
    this.#updateIrq();
    return value;
  }

  // Writes with side effects.

  /**
   * On a fast line, the common case in one step: nothing is queued and the line takes the
   * character.
   */
  #sentAtOnce(byte: number): boolean {
    if (this.#dlab() || this.#transmitter.fifo.length > 0 || !this.mayTransmit()) return false;
    this.shifted(byte & this.#timing.dataMask);
    this.#threCause = 'set';
    if ((this.#ier & r.IER_ETBEI) !== 0) this.#updateIrq();
    return true;
  }

  #writeThr(byte: number): void {
    const fifo = this.#transmitter.fifo;
    const character = byte & this.#timing.dataMask;
    this.#threCause = 'clear';
    this.#clock.cancel(this.#threDelay);
    if (fifo.length >= (this.#fifoOff() ? 1 : r.FIFO_DEPTH)) {
      this.#lint.report('ns16550a', `${DOCUMENT} §8.4`, 'write to a full transmitter');
      if (this.#fifoOff()) fifo.replaceLast(character);
      return;
    }
    this.#transmitter.push(character);
    if (fifo.length > 1) this.#twoQueued = true;
  }

  #writeIer(byte: number): void {
    const enabled = byte & ~this.#ier;
    this.#ier = byte & 0x0f;
    // Enabling the interrupt with an empty transmitter sets it at once: the rule that drivers start
    // sending by.
    if ((enabled & r.IER_ETBEI) !== 0 && this.#transmitter.fifo.length === 0) {
      this.#clock.cancel(this.#threDelay);
      this.#threCause = 'set';
    }
  }

  #writeFcr(byte: number): void {
    const toggled = (byte ^ this.#fcr) & r.FCR_ENABLE;
    // §8.5: the other bits are taken only when bit 0 is 1; a change of bit 0 empties both FIFOs.
    const resets = toggled !== 0 ? r.FCR_RX_RESET | r.FCR_TX_RESET : byte;
    this.#fcr = (byte & r.FCR_ENABLE) === 0 ? 0 : byte & 0xc9;
    if (toggled !== 0) this.#twoQueued = true;
    if (toggled === 0 && this.#fifoOff()) return;
    this.#receiver.setMode(this.#fifoOff() ? 'single' : 'fifo');
    if ((resets & r.FCR_RX_RESET) !== 0) {
      this.#receiver.clear();
      this.#wire.receiverReady();
    }
    if ((resets & r.FCR_TX_RESET) !== 0 && this.#transmitter.fifo.length > 0) {
      this.#transmitter.clearFifo();
      this.#threCause = 'set';
    }
    this.#modem.updateAutoRts(this.#receiver.length, this.#trigger());
  }

  #writeLcr(byte: number): void {
    const changed = byte ^ this.#lcr;
    this.#lcr = byte;
    if ((changed & 0x3f) !== 0) this.#updateFormat();
    if ((changed & r.LCR_BREAK) !== 0 && this.#looped() === 'no') {
      this.#wire.setBreak((byte & r.LCR_BREAK) !== 0 ? 'space' : 'mark');
    }
  }

  #setDivisor(divisor: number): void {
    this.#divisor = divisor;
    this.#updateFormat();
    this.#transmitter.retry();
  }

  // Receiving.

  #arrived(character: number): void {
    const data = character & this.#timing.dataMask;
    this.#receiver.arrived(data | (character & ~0xff));
    this.#modem.updateAutoRts(this.#receiver.length, this.#trigger());
    this.#updateIrq();
  }

  // Status.

  #lsr(): number {
    const receiver = this.#receiver;
    return (
      (receiver.length > 0 ? r.LSR_DR : 0) |
      receiver.lineErrors |
      (this.#transmitter.fifo.length === 0 ? r.LSR_THRE : 0) |
      (this.#transmitter.idle ? r.LSR_TEMT : 0) |
      (receiver.errorInFifo === 'yes' ? r.LSR_FIFO_ERROR : 0)
    );
  }

  /** The pending cause of the highest priority, as IIR identifies it. */
  #cause(): number {
    const ier = this.#ier;
    if (ier === 0) return r.IIR_NONE;
    const receiver = this.#receiver;
    if ((ier & r.IER_ELSI) !== 0 && receiver.lineErrors !== 0) return r.IIR_RLS;
    if ((ier & r.IER_ERBFI) !== 0 && receiver.length > 0) {
      if (receiver.length >= this.#trigger()) return r.IIR_RDA;
      if (receiver.timedOut === 'yes') return r.IIR_CTI;
    }
    if ((ier & r.IER_ETBEI) !== 0 && this.#threCause === 'set') return r.IIR_THRE;
    // With automatic flow control a change of CTS is the transmitter's business, not the driver's.
    const ignored = (this.#modem.mcr & r.MCR_AFE) !== 0 ? INPUT_CTS : 0;
    if ((ier & r.IER_EDSSI) !== 0 && (this.#modem.deltas & ~ignored) !== 0) return r.IIR_MS;
    return r.IIR_NONE;
  }

  #trigger(): number {
    return this.#fifoOff() ? 1 : (r.FCR_TRIGGERS[this.#fcr >>> r.FCR_TRIGGER_SHIFT] as number);
  }

  #fifoOff(): boolean {
    return (this.#fcr & r.FCR_ENABLE) === 0;
  }

  #looped(): 'yes' | 'no' {
    return (this.#modem.mcr & r.MCR_LOOP) !== 0 ? 'yes' : 'no';
  }

  #dlab(): boolean {
    return (this.#lcr & r.LCR_DLAB) !== 0;
  }

  #setThreCause(): void {
    this.#threCause = 'set';
    this.#updateIrq();
  }

  #updateIrq(): void {
    const level = this.#cause() === r.IIR_NONE ? 0 : 1;
    if (level === this.#irqLevel) return;
    this.#irqLevel = level;
    if (level === 1) this.#irq.raise();
    else this.#irq.lower();
  }

  #updateFormat(): void {
    const baud = this.#divisor === 0 ? 0 : this.#clockHz / (16 * this.#divisor);
    this.#timing.set(r.lcrFormat(this.#lcr, baud));
    this.#receiver.setCharacterTime(this.#timing.characterNs);
  }

  #refuse(what: string, offset: number, width: number): number {
    this.#lint.report('ns16550a', `${DOCUMENT} §8`, `${what} of ${width} bytes at ${offset}`);
    return 0;
  }
}
