/**
 * The modem side of the NS16550A: outputs, inputs with their change bits, and the automatic RTS of
 * the TL16C550C.
 */

import { INPUT_RI, OUTPUT_RTS } from '../serial-wire.ts';
import type { SerialWire } from '../serial-wire.ts';
import { FIFO_DEPTH, MCR_AFE, MCR_DTR, MCR_LOOP, MCR_RTS } from './ns16550a-registers.ts';

export class Ns16550aModem {
  /** DCTS, DDSR, TERI, DDCD: changes since MSR was last read. */
  deltas = 0;
  readonly #wire: SerialWire;
  #mcr = 0;
  #inputs: number;
  #outputs = -1;
  #autoRts = true;

  constructor(wire: SerialWire) {
    this.#wire = wire;
    this.#inputs = wire.inputs();
  }

  get mcr(): number {
    return this.#mcr;
  }

  writeMcr(value: number): void {
    this.#mcr = value;
    this.update();
  }

  /**
   * CTS, DSR, RI, DCD: the pins, or in loopback the outputs (RTS, DTR, OUT1, OUT2 in this order).
   */
  get inputs(): number {
    const mcr = this.#mcr;
    if ((mcr & MCR_LOOP) === 0) return this.#wire.inputs();
    return ((mcr & MCR_RTS) >>> 1) | ((mcr & MCR_DTR) << 1) | (mcr & 0x0c);
  }

  /** MSR, without what a read of it does. */
  get msr(): number {
    return this.deltas | (this.inputs << 4);
  }

  /** Takes over what the pins show now. */
  update(): void {
    const inputs = this.inputs;
    const changed = inputs ^ this.#inputs;
    this.#inputs = inputs;
    // RI counts at its trailing edge only.
    this.deltas |= (changed & ~INPUT_RI) | (changed & INPUT_RI & ~inputs);
    this.#updateOutputs();
  }

  /**
   * RTS goes off at the trigger level and on again when the FIFO is empty (with trigger 14: at full
   * and not full).
   */
  updateAutoRts(length: number, trigger: number): void {
    if ((this.#mcr & MCR_AFE) === 0) return;
    const offAt = trigger === 14 ? FIFO_DEPTH : trigger;
    if (length >= offAt) this.#autoRts = false;
    else if (length === 0 || trigger === 14) this.#autoRts = true;
    this.#updateOutputs();
  }

  reset(): void {
    this.#mcr = 0;
    this.#autoRts = true;
    this.#inputs = this.#wire.inputs();
    this.deltas = 0;
    this.#updateOutputs();
  }

  #updateOutputs(): void {
    let outputs = (this.#mcr & MCR_LOOP) !== 0 ? 0 : this.#mcr & 0x0f;
    if ((this.#mcr & MCR_AFE) !== 0 && !this.#autoRts) outputs &= ~OUTPUT_RTS;
    if (outputs === this.#outputs) return;
    this.#outputs = outputs;
    this.#wire.setOutputs(outputs);
  }
}
