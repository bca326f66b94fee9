/**
 * PL011, revision r1p5: Arm's UART as its technical reference manual (DDI 0183G) has it.
 *
 * A character takes its time on the line. The transmit interrupt is raised when the FIFO's level
 * falls *through* its trigger, not when it is enabled: a driver has to prime the transmitter by
 * writing. On a line at `fast` rate characters take no time: the transmit FIFO is then always
 * empty.
 *
 * This file is the registers, a row for each, and the pins. What is behind them:
 * `pl011-receiver.ts`, `pl011-transmitter.ts`, `pl011-modem.ts` and `pl011-interrupts.ts`.
 * `pl011-registers.ts` lists every bit.
 *
 * Choices where the manual leaves one: data written while the UART or its transmitter is off is
 * ignored and reported.
 */

import type { Device, Lint } from '../device.ts';
import { INPUT_CTS, INPUT_DCD, INPUT_DSR, INPUT_RI } from '../serial-wire.ts';
import type { SerialEnd, SerialWire } from '../serial-wire.ts';
import { BreakDetector } from './break-detector.ts';
import { LineTiming } from './line-timing.ts';
import { Pl011Interrupts } from './pl011-interrupts.ts';
import { Pl011Modem } from './pl011-modem.ts';
import { Pl011Receiver } from './pl011-receiver.ts';
import * as r from './pl011-registers.ts';
import { Pl011Transmitter } from './pl011-transmitter.ts';
import { type Register, RegisterTable, storedRegister } from './register-table.ts';
import type { UartOptions } from './uart-options.ts';

/** UARTCLK of QEMU's Arm boards. */
export const PL011_CLOCK_HZ = 24_000_000;

const SHOWN = ['UARTFR', 'UARTLCR_H', 'UARTCR', 'UARTRIS'];

export class Pl011 implements Device, SerialEnd {
  readonly #wire: SerialWire;
  readonly #lint: Lint;
  readonly #clockHz: number;
  readonly #timing: LineTiming;
  readonly #transmitter: Pl011Transmitter;
  readonly #receiver: Pl011Receiver;
  readonly #modem: Pl011Modem;
  readonly #interrupts: Pl011Interrupts;
  readonly #break: BreakDetector;
  readonly #registers: RegisterTable;
  readonly #stored = {
    ilpr: storedRegister('UARTILPR', r.UARTILPR, 0xff),
    ibrd: storedRegister('UARTIBRD', r.UARTIBRD, 0xffff),
    fbrd: storedRegister('UARTFBRD', r.UARTFBRD, 0x3f),
    dmacr: storedRegister('UARTDMACR', r.UARTDMACR, 0x07),
  };
  /** A fast line, and nothing between a character and the wire: see {@link #sentAtOnce}. */
  #isPlain = false;
  #rsr = 0;
  /** IBRD and FBRD as the last write of LCR_H took them over. */
  #divisor = 0;
  #lcrH = 0;
  #cr = r.CR_RESET;
  #ifls = r.IFLS_RESET;

  constructor(options: UartOptions) {
    const { clock, irq, wire } = options;
    this.#wire = wire;
    this.#timing = new LineTiming(wire);
    this.#lint = options.lint;
    this.#clockHz = options.clockHz ?? PL011_CLOCK_HZ;
    const interrupts = new Pl011Interrupts(irq);
    const receiver = new Pl011Receiver(clock, () => interrupts.raise(r.INT_RT));
    this.#interrupts = interrupts;
    this.#receiver = receiver;
    this.#transmitter = new Pl011Transmitter({
      clock,
      timing: this.#timing,
      interrupts,
      mayTransmit: () => this.#mayTransmit(),
      shifted: (character) => this.#shifted(character),
    });
    this.#modem = new Pl011Modem({ wire, interrupts, receiver, control: () => this.#cr });
    this.#break = new BreakDetector(clock, (character) => this.#arrived(character));
    this.#registers = new RegisterTable(this.#rows());
    wire.attach(this);
    this.reset();
  }

  /** The registers, in the manual's order. */
  #rows(): readonly Register[] {
    const interrupts = this.#interrupts;
    const { ilpr, ibrd, fbrd, dmacr } = this.#stored;
    return [
      {
        name: 'UARTDR',
        at: r.UARTDR,
        shown: () => this.#receiver.next,
        read: () => this.#readData(),
        write: (value) => this.#writeData(value & 0xff),
      },
      {
        name: 'UARTRSR, UARTECR',
        at: r.UARTRSR,
        peek: () => this.#rsr,
        write: () => (this.#rsr = 0), // any value clears
      },
      { name: 'UARTFR', at: r.UARTFR, peek: () => this.#flags() },
      ilpr,
      ibrd,
      fbrd,
      {
        name: 'UARTLCR_H',
        at: r.UARTLCR_H,
        peek: () => this.#lcrH,
        write: (value) => this.#writeLineControl(value & 0xff),
      },
      {
        name: 'UARTCR',
        at: r.UARTCR,
        peek: () => this.#cr,
        write: (value) => this.#writeControl(value & r.CR_WRITABLE),
      },
      {
        name: 'UARTIFLS',
        at: r.UARTIFLS,
        peek: () => this.#ifls,
        write: (value) => {
          this.#ifls = value & 0x3f;
          this.#updateTriggers();
          this.#modem.updateOutputs();
        },
      },
      {
        name: 'UARTIMSC',
        at: r.UARTIMSC,
        peek: () => interrupts.mask,
        write: (value) => (interrupts.mask = value & r.INT_ALL),
      },
      { name: 'UARTRIS', at: r.UARTRIS, peek: () => interrupts.pending },
      { name: 'UARTMIS', at: r.UARTMIS, peek: () => interrupts.pending & interrupts.mask },
      { name: 'UARTICR', at: r.UARTICR, write: (value) => (interrupts.pending &= ~value) },
      dmacr,
      ...r.IDENTIFICATION.map((byte, index) => ({
        name: `identification ${String(index)}`,
        at: r.UARTPERIPHID0 + 4 * index,
        peek: () => byte,
      })),
    ];
  }

  read(offset: number, width: number): number {
    const read = width === 4 ? this.#registers.reader(offset) : undefined;
    if (read !== undefined) return read();
    // Between the identification's bytes there is nothing, and nothing is wrong.
    if (width === 4 && offset >= r.UARTPERIPHID0) return 0;
    return this.#refuse('read', offset, width);
  }

  peek(offset: number, width: number): number | undefined {
    return width === 4 ? this.#registers.shownAt(offset) : undefined;
  }

  write(offset: number, value: number, width: number): void {
    if (width !== 4) {
      this.#refuse('write', offset, width);
      return;
    }
    if (offset === r.UARTDR && this.#isPlain && this.#sentAtOnce(value)) return;
    const write = this.#registers.writer(offset);
    if (write === undefined) this.#refuse('write', offset, width);
    else write(value);
    this.#interrupts.update();
  }

  reset(): void {
    for (const stored of Object.values(this.#stored)) stored.reset();
    this.#rsr = 0;
    this.#divisor = 0;
    this.#lcrH = 0;
    this.#cr = r.CR_RESET;
    this.#ifls = r.IFLS_RESET;
    this.#interrupts.reset();
    this.#transmitter.reset();
    this.#receiver.reset();
    this.#break.reset();
    this.#modem.reset();
    this.#updateTriggers();
    this.#updateFormat();
    this.#modem.updateOutputs();
    this.#interrupts.update();
  }

  snapshot(): Record<string, unknown> {
    return { ...this.#registers.snapshot(SHOWN), format: this.#timing.format };
  }

  // The line's side.

  receive(character: number): void {
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
    if (this.#timing.format.baud === 0 || (this.#cr & r.CR_RXE) === 0) return 0;
    return this.#receiver.depth - this.#receiver.length;
  }

  // Data.

  #mayTransmit(): boolean {
    const cr = this.#cr;
    if ((cr & r.CR_TXE) === 0) return false;
    if ((cr & r.CR_CTSEN) !== 0 && (this.#modem.inputs & INPUT_CTS) === 0) return false;
    return (cr & r.CR_LBE) !== 0 || this.#wire.ready();
  }

  #shifted(character: number): void {
    if (this.#isLooped()) this.#arrived(character);
    else if ((this.#lcrH & r.LCR_H_BRK) === 0) this.#wire.transmit(character);
  }

  /**
   * On a plain line, the common case in one step: nothing is queued, and the line takes the
   * character. Not by way of the transmitter, whose two closures would be a fifth of its time.
   */
  #sentAtOnce(value: number): boolean {
    if (this.#transmitter.length > 0 || !this.#wire.ready()) return false;
    this.#wire.transmit(value & this.#timing.dataMask);
    return true;
  }

  #writeData(byte: number): void {
    if ((this.#cr & r.CR_UARTEN) === 0 || (this.#cr & r.CR_TXE) === 0) {
      this.#lint.report('pl011', 'DDI 0183G §3.3.8', 'data written while the transmitter is off');
    } else if (this.#transmitter.isFull) {
      this.#lint.report('pl011', 'DDI 0183G §3.3.3', 'data written to a full FIFO');
    } else {
      this.#transmitter.write(byte);
    }
  }

  #readData(): number {
    const receiver = this.#receiver;
    const character = receiver.read();
    this.#rsr = (this.#rsr & r.RSR_OE) | ((character >>> 8) & 0x07);
    if (receiver.length < receiver.trigger) this.#interrupts.pending &= ~r.INT_RX;
    if (receiver.length === 0) this.#interrupts.pending &= ~r.INT_RT;
    this.#modem.updateOutputs();
    this.#wire.receiverReady();
    this.#interrupts.update();
    return character;
  }

  #arrived(character: number): void {
    if ((this.#cr & r.CR_UARTEN) === 0 || (this.#cr & r.CR_RXE) === 0) return;
    const interrupts = this.#interrupts;
    const data = character & this.#timing.dataMask;
    // The conditions have the same order on the wire and in UARTDR: FE, PE, BE.
    const entry = data | (character & (r.DR_FE | r.DR_PE | r.DR_BE));
    if (this.#receiver.arrived(entry) === 'overrun') {
      this.#rsr |= r.RSR_OE;
      interrupts.pending |= r.INT_OE;
    } else {
      if (this.#receiver.length === this.#receiver.trigger) interrupts.pending |= r.INT_RX;
      if ((entry & r.DR_FE) !== 0) interrupts.pending |= r.INT_FE;
      if ((entry & r.DR_PE) !== 0) interrupts.pending |= r.INT_PE;
      if ((entry & r.DR_BE) !== 0) interrupts.pending |= r.INT_BE;
    }
    this.#modem.updateOutputs();
    interrupts.update();
  }

  // Control and status.

  #writeControl(value: number): void {
    this.#cr = value;
    this.#updateFormat();
    this.#modem.update();
    this.#transmitter.retry();
  }

  #writeLineControl(value: number): void {
    const changed = value ^ this.#lcrH;
    this.#lcrH = value;
    // A write of LCR_H takes over the divisors too: they are one 30-bit register inside (§3.3.6).
    this.#divisor = this.#stored.ibrd.peek() + this.#stored.fbrd.peek() / 64;
    if ((changed & r.LCR_H_FEN) !== 0) {
      this.#receiver.setDepth(this.#depth());
      this.#transmitter.setDepth(this.#depth());
      this.#updateTriggers();
      this.#interrupts.pending &= ~(r.INT_RX | r.INT_RT);
    }
    this.#updateFormat();
    if ((changed & r.LCR_H_BRK) !== 0 && !this.#isLooped()) {
      this.#wire.setBreak((value & r.LCR_H_BRK) !== 0 ? 'space' : 'mark');
    }
    this.#transmitter.retry();
  }

  #flags(): number {
    const { inputs } = this.#modem;
    return (
      ((inputs & INPUT_CTS) !== 0 ? r.FR_CTS : 0) |
      ((inputs & INPUT_DSR) !== 0 ? r.FR_DSR : 0) |
      ((inputs & INPUT_DCD) !== 0 ? r.FR_DCD : 0) |
      ((inputs & INPUT_RI) !== 0 ? r.FR_RI : 0) |
      (this.#transmitter.idle ? 0 : r.FR_BUSY) |
      (this.#receiver.length === 0 ? r.FR_RXFE : 0) |
      (this.#receiver.length >= this.#depth() ? r.FR_RXFF : 0) |
      (this.#transmitter.length === 0 ? r.FR_TXFE : 0) |
      (this.#transmitter.isFull ? r.FR_TXFF : 0)
    );
  }

  #depth(): number {
    return (this.#lcrH & r.LCR_H_FEN) === 0 ? 1 : r.FIFO_DEPTH;
  }

  /** Without FIFOs: a character received, and the holding register empty. */
  #updateTriggers(): void {
    const hasFifos = this.#depth() > 1;
    const level = (eighths: number): number =>
      ((r.IFLS_EIGHTHS[eighths] as number) * r.FIFO_DEPTH) / 8;
    this.#receiver.trigger = hasFifos ? level(this.#ifls >>> 3) : 1;
    this.#transmitter.setTrigger(hasFifos ? level(this.#ifls & 0x07) : 0);
  }

  #updateFormat(): void {
    const clocked = this.#divisor >= 1 && (this.#cr & r.CR_UARTEN) !== 0;
    const baud = clocked ? this.#clockHz / (16 * this.#divisor) : 0;
    this.#timing.set(r.lcrHFormat(this.#lcrH, baud));
    this.#receiver.setBitTime(this.#timing.bitNs);
    const isSent = (this.#cr & (r.CR_TXE | r.CR_CTSEN | r.CR_LBE)) === r.CR_TXE;
    // Without FIFOs each character raises the interrupt; a break holds the line.
    const isQueued = (this.#lcrH & (r.LCR_H_FEN | r.LCR_H_BRK)) === r.LCR_H_FEN;
    this.#isPlain = this.#timing.isInstant && isSent && isQueued;
  }

  #isLooped(): boolean {
    return (this.#cr & r.CR_LBE) !== 0;
  }

  #refuse(what: string, offset: number, width: number): number {
    const at = `0x${offset.toString(16)}`;
    this.#lint.report('pl011', 'DDI 0183G §3.2', `${what} of ${width} bytes at ${at}`);
    return 0;
  }
}
