/**
 * The interrupts of the NS16550A: which causes are enabled, which of them is the most urgent, and
 * the level of the line.
 */

import type { IrqLine } from '../device.ts';
import { INPUT_CTS } from '../serial-wire.ts';
import type { Ns16550aModem } from './ns16550a-modem.ts';
import type { Ns16550aReceiver } from './ns16550a-receiver.ts';
import * as r from './ns16550a-registers.ts';
import type { Ns16550aTransmitter } from './ns16550a-transmitter.ts';

export interface InterruptSources {
  readonly receiver: Ns16550aReceiver;
  readonly transmitter: Ns16550aTransmitter;
  readonly modem: Ns16550aModem;
}

export class Ns16550aInterrupts {
  readonly #irq: IrqLine;
  readonly #sources: InterruptSources;
  #ier = 0;
  #level = 0;

  constructor(irq: IrqLine, sources: InterruptSources) {
    this.#irq = irq;
    this.#sources = sources;
  }

  get ier(): number {
    return this.#ier;
  }

  writeIer(byte: number): void {
    const enabled = byte & ~this.#ier;
    this.#ier = byte & 0x0f;
    if ((enabled & r.IER_ETBEI) !== 0) this.#sources.transmitter.enabled();
  }

  /** The pending cause of the highest priority, as IIR identifies it. */
  cause(): number {
    const ier = this.#ier;
    if (ier === 0) return r.IIR_NONE;
    const { receiver, transmitter, modem } = this.#sources;
    if ((ier & r.IER_ELSI) !== 0 && receiver.lineErrors !== 0) return r.IIR_RLS;
    if ((ier & r.IER_ERBFI) !== 0 && receiver.length > 0) {
      if (receiver.length >= receiver.trigger) return r.IIR_RDA;
      if (receiver.hasTimedOut) return r.IIR_CTI;
    }
    if ((ier & r.IER_ETBEI) !== 0 && transmitter.isEmptyPending) return r.IIR_THRE;
    // With automatic flow control a change of CTS is the transmitter's business, not the driver's.
    const ignored = (modem.mcr & r.MCR_AFE) !== 0 ? INPUT_CTS : 0;
    if ((ier & r.IER_EDSSI) !== 0 && (modem.deltas & ~ignored) !== 0) return r.IIR_MS;
    return r.IIR_NONE;
  }

  /** A read of IIR: it takes the transmitter's cause away. */
  takeCause(): number {
    const cause = this.cause();
    if (cause === r.IIR_THRE) {
      this.#sources.transmitter.isEmptyPending = false;
      this.update();
    }
    return cause;
  }

  /** A cause may have come or gone. */
  update(): void {
    const level = this.cause() === r.IIR_NONE ? 0 : 1;
    if (level === this.#level) return;
    this.#level = level;
    if (level === 1) this.#irq.raise();
    else this.#irq.lower();
  }

  /** The line is lowered by the next {@link update}. */
  reset(): void {
    this.#ier = 0;
  }
}
