/** The modem side of the PL011: outputs, inputs whose changes interrupt, and the automatic RTS. */

import { INPUT_CTS, INPUT_DCD, INPUT_DSR, INPUT_RI, OUTPUT_RTS } from '../serial-wire.ts';
import type { SerialWire } from '../serial-wire.ts';
import type { Pl011Interrupts } from './pl011-interrupts.ts';
import type { Pl011Receiver } from './pl011-receiver.ts';
import * as r from './pl011-registers.ts';

export interface Pl011ModemParts {
  readonly wire: SerialWire;
  readonly interrupts: Pl011Interrupts;
  readonly receiver: Pl011Receiver;
  /** UARTCR. */
  readonly control: () => number;
}

export class Pl011Modem {
  readonly #parts: Pl011ModemParts;
  #inputs = 0;
  #outputs = -1;

  constructor(parts: Pl011ModemParts) {
    this.#parts = parts;
  }

  /** CTS, DSR, RI, DCD: the pins, or in loopback the outputs. */
  get inputs(): number {
    const cr = this.#parts.control();
    return (cr & r.CR_LBE) === 0 ? this.#parts.wire.inputs() : r.loopedInputs(cr);
  }

  /** Takes over what the pins show now. */
  update(): void {
    const { interrupts } = this.#parts;
    const { inputs } = this;
    const changed = inputs ^ this.#inputs;
    this.#inputs = inputs;
    if ((changed & INPUT_RI) !== 0) interrupts.pending |= r.INT_RI;
    if ((changed & INPUT_CTS) !== 0) interrupts.pending |= r.INT_CTS;
    if ((changed & INPUT_DCD) !== 0) interrupts.pending |= r.INT_DCD;
    if ((changed & INPUT_DSR) !== 0) interrupts.pending |= r.INT_DSR;
    this.updateOutputs();
  }

  updateOutputs(): void {
    const { control, receiver, wire } = this.#parts;
    const cr = control();
    // DTR, RTS, Out1, Out2 lie in this order in UARTCR, and so they do on the wire.
    let outputs = (cr & r.CR_LBE) !== 0 ? 0 : (cr >>> 10) & 0x0f;
    if ((cr & r.CR_RTSEN) !== 0) {
      // With RTSEn the receive FIFO drives RTS: off from its trigger on (§2.4.3).
      const isFull = receiver.length >= receiver.trigger;
      outputs = isFull ? outputs & ~OUTPUT_RTS : outputs | OUTPUT_RTS;
    }
    if (outputs === this.#outputs) return;
    this.#outputs = outputs;
    wire.setOutputs(outputs);
  }

  reset(): void {
    this.#inputs = this.inputs;
  }
}
