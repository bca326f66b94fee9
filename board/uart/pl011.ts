/**
 * PL011, revision r1p5: Arm's UART as its technical reference manual (DDI 0183G) has it.
 *
 * A character takes its time on the line. The transmit interrupt is raised when the FIFO's level
 * falls *through* its trigger, not when it is enabled: a driver has to prime the transmitter by
 * writing. `pl011-registers.ts` lists every bit. On a line at `fast` rate characters take no time:
 * the transmit FIFO is then always empty.
 *
 * Choices where the manual leaves one: data written while the UART or its transmitter is off is
 * ignored and reported.
 */

import type { Clock } from '../clock.ts';
import type { Device, IrqLine, Lint } from '../device.ts';
import { OUTPUT_RTS } from '../serial-wire.ts';
import { INPUT_CTS, INPUT_DCD, INPUT_DSR, INPUT_RI } from '../serial-wire.ts';
import type { SerialEnd, SerialWire } from '../serial-wire.ts';
import { BreakDetector } from './break-detector.ts';
import { LineTiming } from './line-timing.ts';
import { Pl011Receiver } from './pl011-receiver.ts';
import * as r from './pl011-registers.ts';
import { Transmitter } from './transmitter.ts';
import type { TransmitterOwner } from './transmitter.ts';
import type { UartOptions } from './uart-options.ts';

/** UARTCLK of QEMU's Arm boards. */
export const PL011_CLOCK_HZ = 24_000_000;

export class Pl011 implements Device, SerialEnd, TransmitterOwner {
  readonly #clock: Clock;
  readonly #irq: IrqLine;
  readonly #wire: SerialWire;
  readonly #lint: Lint;
  readonly #clockHz: number;
  readonly #transmitter: Transmitter;
  readonly #receiver: Pl011Receiver;
  readonly #break: BreakDetector;

  #rsr = 0;
  #ilpr = 0;
  #ibrd = 0;
  #fbrd = 0;
  /** IBRD and FBRD as the last write of LCR_H took them over. */
  #divisor = 0;
  #lcrH = 0;
  #cr = r.CR_RESET;
  #ifls = r.IFLS_RESET;
  #imsc = 0;
  #ris = 0;
  #dmacr = 0;
  #inputs = 0;
  #outputs = -1;
  #irqLevel = 0;
  readonly #timing: LineTiming;

  constructor(options: UartOptions) {
    this.#clock = options.clock;
    this.#irq = options.irq;
    this.#wire = options.wire;
    this.#timing = new LineTiming(options.wire);
    this.#lint = options.lint;
    this.#clockHz = options.clockHz ?? PL011_CLOCK_HZ;
    this.#transmitter = new Transmitter({ clock: this.#clock, owner: this, depth: r.FIFO_DEPTH });
    this.#receiver = new Pl011Receiver(this.#clock, () => this.#raise(r.INT_RT));
    this.#break = new BreakDetector(this.#clock, (character) => this.#arrived(character));
    this.#wire.attach(this);
    this.reset();
  }

  // Registers.

  read(offset: number, width: number): number {
    if (width !== 4) return this.#refuse('read', offset, width);
    switch (offset) {
      case r.UARTDR:
        return this.#readData();
      case r.UARTRSR:
        return this.#rsr;
      case r.UARTFR:
        return this.#flags();
      case r.UARTILPR:
        return this.#ilpr;
      case r.UARTIBRD:
        return this.#ibrd;
      case r.UARTFBRD:
        return this.#fbrd;
      case r.UARTLCR_H:
        return this.#lcrH;
      case r.UARTCR:
        return this.#cr;
      case r.UARTIFLS:
        return this.#ifls;
      case r.UARTIMSC:
        return this.#imsc;
      case r.UARTRIS:
        return this.#ris;
      case r.UARTMIS:
        return this.#ris & this.#imsc;
      case r.UARTDMACR:
        return this.#dmacr;
      default:
        if (offset >= r.UARTPERIPHID0)
          return r.IDENTIFICATION[(offset - r.UARTPERIPHID0) >>> 2] ?? 0;
        return this.#refuse('read', offset, width);
    }
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 4) {
      this.#refuse('write', offset, width);
      return;
    }
    if (offset === r.UARTDR && this.#timing.instant === 'yes' && this.#sentAtOnce(value)) return;
    switch (offset) {
      case r.UARTDR:
        this.#writeData(value & 0xff);
        break;
      case r.UARTRSR: // UARTECR: any value clears
        this.#rsr = 0;
        break;
      case r.UARTILPR:
        this.#ilpr = value & 0xff;
        break;
      case r.UARTIBRD:
        this.#ibrd = value & 0xffff;
        break;
      case r.UARTFBRD:
        this.#fbrd = value & 0x3f;
        break;
      case r.UARTLCR_H:
        this.#writeLineControl(value & 0xff);
        break;
      case r.UARTCR:
        this.#cr = value & r.CR_WRITABLE;
        this.#updateFormat();
        this.#updateModem();
        this.#transmitter.retry();
        break;
      case r.UARTIFLS:
        this.#ifls = value & 0x3f;
        this.#updateOutputs();
        break;
      case r.UARTIMSC:
        this.#imsc = value & r.INT_ALL;
        break;
      case r.UARTICR:
        this.#ris &= ~value;
        break;
      case r.UARTDMACR:
        this.#dmacr = value & 0x07;
        break;
      default:
        this.#refuse('write', offset, width);
    }
    this.#updateIrq();
  }

  reset(): void {
    this.#rsr = 0;
    this.#ilpr = 0;
    this.#ibrd = 0;
    this.#fbrd = 0;
    this.#divisor = 0;
    this.#lcrH = 0;
    this.#cr = r.CR_RESET;
    this.#ifls = r.IFLS_RESET;
    this.#imsc = 0;
    this.#ris = 0;
    this.#dmacr = 0;
    this.#transmitter.reset();
    this.#receiver.reset();
    this.#break.reset();
    this.#inputs = this.#modemInputs();
    this.#updateFormat();
    this.#updateOutputs();
    this.#updateIrq();
  }

  snapshot(): Record<string, unknown> {
    return {
      UARTFR: this.#flags(),
      UARTLCR_H: this.#lcrH,
      UARTCR: this.#cr,
      UARTRIS: this.#ris,
      format: this.#timing.format,
    };
  }

  // The line's side.

  receive(character: number): void {
    if ((this.#cr & r.CR_LBE) === 0) this.#arrived(character);
  }

  breakChanged(level: 'mark' | 'space'): void {
    if ((this.#cr & r.CR_LBE) === 0)
      this.#break.changed(level, this.#timing.format, this.#timing.characterNs);
  }

  inputsChanged(): void {
    this.#updateModem();
    this.#transmitter.retry();
    this.#updateIrq();
  }

  lineReady(): void {
    this.#transmitter.retry();
    this.#updateIrq();
  }

  room(): number {
    if (this.#timing.format.baud === 0 || (this.#cr & r.CR_RXE) === 0) return 0;
    return this.#receiver.depth - this.#receiver.length;
  }

  // The transmitter's side.

  mayTransmit(): boolean {
    const cr = this.#cr;
    if (this.#timing.format.baud === 0 || (cr & r.CR_TXE) === 0) return false;
    if ((cr & r.CR_CTSEN) !== 0 && (this.#modemInputs() & INPUT_CTS) === 0) return false;
    return (cr & r.CR_LBE) !== 0 || this.#wire.ready();
  }

  characterNs(): number {
    return this.#timing.characterNs;
  }

  shifted(character: number): void {
    if ((this.#cr & r.CR_LBE) !== 0) this.#arrived(character);
    else if ((this.#lcrH & r.LCR_H_BRK) === 0) this.#wire.transmit(character);
  }

  levelFell(): void {
    // Raised once, at the passage through the trigger (§3.3.9): one more than the trigger was
    // there, now the trigger is.
    if (this.#transmitter.fifo.length === this.#txTrigger()) this.#raise(r.INT_TX);
  }

  // Data.

  /**
   * On a fast line, the common case in one step: nothing is queued and the line takes the
   * character.
   */
  #sentAtOnce(value: number): boolean {
    // Without FIFOs every character raises the transmit interrupt: not the common case.
    if ((this.#lcrH & r.LCR_H_FEN) === 0) return false;
    if (this.#transmitter.fifo.length > 0 || !this.mayTransmit()) return false;
    this.shifted(value & this.#timing.dataMask);
    return true;
  }

  #writeData(byte: number): void {
    const fifo = this.#transmitter.fifo;
    if ((this.#cr & r.CR_UARTEN) === 0 || (this.#cr & r.CR_TXE) === 0) {
      this.#lint.report('pl011', 'DDI 0183G §3.3.8', 'data written while the transmitter is off');
      return;
    }
    if (fifo.length >= this.#depth()) {
      this.#lint.report('pl011', 'DDI 0183G §3.3.3', 'data written to a full FIFO');
      return;
    }
    this.#transmitter.push(byte & this.#timing.dataMask);
    // Filled above its trigger, or without a FIFO simply written: the interrupt is no longer true.
    if (fifo.length > this.#txTrigger()) this.#ris &= ~r.INT_TX;
  }

  #readData(): number {
    const character = this.#receiver.read();
    this.#rsr = (this.#rsr & r.RSR_OE) | ((character >>> 8) & 0x07);
    const length = this.#receiver.length;
    if (length < this.#rxTrigger()) this.#ris &= ~r.INT_RX;
    if (length === 0) this.#ris &= ~r.INT_RT;
    this.#updateOutputs();
    this.#wire.receiverReady();
    this.#updateIrq();
    return character;
  }

  #arrived(character: number): void {
    if ((this.#cr & r.CR_UARTEN) === 0 || (this.#cr & r.CR_RXE) === 0) return;
    const data = character & this.#timing.dataMask;
    // The conditions have the same order on the wire and in UARTDR: FE, PE, BE.
    const entry = data | (character & (r.DR_FE | r.DR_PE | r.DR_BE));
    if (this.#receiver.arrived(entry) === 'overrun') {
      this.#rsr |= r.RSR_OE;
      this.#ris |= r.INT_OE;
    } else {
      if (this.#receiver.length === this.#rxTrigger()) this.#ris |= r.INT_RX;
      if ((entry & r.DR_FE) !== 0) this.#ris |= r.INT_FE;
      if ((entry & r.DR_PE) !== 0) this.#ris |= r.INT_PE;
      if ((entry & r.DR_BE) !== 0) this.#ris |= r.INT_BE;
    }
    this.#updateOutputs();
    this.#updateIrq();
  }

  #writeLineControl(value: number): void {
    const changed = value ^ this.#lcrH;
    this.#lcrH = value;
    // A write of LCR_H takes over the divisors too: they are one 30-bit register inside (§3.3.6).
    this.#divisor = this.#ibrd + this.#fbrd / 64;
    if ((changed & r.LCR_H_FEN) !== 0) {
      this.#receiver.setDepth(this.#depth());
      this.#transmitter.clearFifo();
      this.#ris &= ~(r.INT_RX | r.INT_RT);
    }
    this.#updateFormat();
    if ((changed & r.LCR_H_BRK) !== 0 && (this.#cr & r.CR_LBE) === 0) {
      this.#wire.setBreak((value & r.LCR_H_BRK) !== 0 ? 'space' : 'mark');
    }
    this.#transmitter.retry();
  }

  // Status.

  #flags(): number {
    const inputs = this.#modemInputs();
    const fifo = this.#transmitter.fifo;
    const depth = this.#depth();
    return (
      ((inputs & INPUT_CTS) !== 0 ? r.FR_CTS : 0) |
      ((inputs & INPUT_DSR) !== 0 ? r.FR_DSR : 0) |
      ((inputs & INPUT_DCD) !== 0 ? r.FR_DCD : 0) |
      ((inputs & INPUT_RI) !== 0 ? r.FR_RI : 0) |
      (this.#transmitter.idle ? 0 : r.FR_BUSY) |
      (this.#receiver.length === 0 ? r.FR_RXFE : 0) |
      (this.#receiver.length >= depth ? r.FR_RXFF : 0) |
      (fifo.length === 0 ? r.FR_TXFE : 0) |
      (fifo.length >= depth ? r.FR_TXFF : 0)
    );
  }

  #depth(): number {
    return (this.#lcrH & r.LCR_H_FEN) === 0 ? 1 : r.FIFO_DEPTH;
  }

  /** Without FIFOs: a character received, or the holding register empty. */
  #rxTrigger(): number {
    if ((this.#lcrH & r.LCR_H_FEN) === 0) return 1;
    return ((r.IFLS_EIGHTHS[this.#ifls >>> 3] as number) * r.FIFO_DEPTH) / 8;
  }

  #txTrigger(): number {
    if ((this.#lcrH & r.LCR_H_FEN) === 0) return 0;
    return ((r.IFLS_EIGHTHS[this.#ifls & 0x07] as number) * r.FIFO_DEPTH) / 8;
  }

  #raise(interrupt: number): void {
    this.#ris |= interrupt;
    this.#updateIrq();
  }

  #updateIrq(): void {
    const level = (this.#ris & this.#imsc) === 0 ? 0 : 1;
    if (level === this.#irqLevel) return;
    this.#irqLevel = level;
    if (level === 1) this.#irq.raise();
    else this.#irq.lower();
  }

  // Modem lines.

  /** CTS, DSR, RI, DCD: the pins, or in loopback the outputs. */
  #modemInputs(): number {
    return (this.#cr & r.CR_LBE) === 0 ? this.#wire.inputs() : r.loopedInputs(this.#cr);
  }

  #updateModem(): void {
    const inputs = this.#modemInputs();
    const changed = inputs ^ this.#inputs;
    this.#inputs = inputs;
    if ((changed & INPUT_RI) !== 0) this.#ris |= r.INT_RI;
    if ((changed & INPUT_CTS) !== 0) this.#ris |= r.INT_CTS;
    if ((changed & INPUT_DCD) !== 0) this.#ris |= r.INT_DCD;
    if ((changed & INPUT_DSR) !== 0) this.#ris |= r.INT_DSR;
    this.#updateOutputs();
  }

  #updateOutputs(): void {
    // DTR, RTS, Out1, Out2 lie in this order in UARTCR, and so they do on the wire.
    let outputs = (this.#cr & r.CR_LBE) !== 0 ? 0 : (this.#cr >>> 10) & 0x0f;
    if ((this.#cr & r.CR_RTSEN) !== 0) {
      // With RTSEn the receive FIFO drives RTS: off from its trigger on (§2.4.3).
      const full = this.#receiver.length >= this.#rxTrigger();
      outputs = full ? outputs & ~OUTPUT_RTS : outputs | OUTPUT_RTS;
    }
    if (outputs === this.#outputs) return;
    this.#outputs = outputs;
    this.#wire.setOutputs(outputs);
  }

  #updateFormat(): void {
    const clocked = this.#divisor >= 1 && (this.#cr & r.CR_UARTEN) !== 0;
    const baud = clocked ? this.#clockHz / (16 * this.#divisor) : 0;
    this.#timing.set(r.lcrHFormat(this.#lcrH, baud));
    this.#receiver.setBitTime(this.#timing.bitNs);
  }

  #refuse(what: string, offset: number, width: number): number {
    const at = `0x${offset.toString(16)}`;
    this.#lint.report('pl011', 'DDI 0183G §3.2', `${what} of ${width} bytes at ${at}`);
    return 0;
  }
}
