/**
 * A wire that writes down what passes: it wraps any other wire, and the NIC does not notice. A
 * frame that is lost, at the NIC or on the way to this wire, is written with a comment that says
 * why.
 */

import type { Clock } from '../../board/clock.ts';
import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import { WIRE_BYTES_MAX } from '../../board/ethernet.ts';
import type { Ram } from '../../memory/ram.ts';
import type { PcapngWriter } from './pcapng-writer.ts';

export interface CaptureWireOptions {
  readonly wire: EthernetWire;
  readonly ram: Ram;
  readonly clock: Clock;
  readonly writer: PcapngWriter;
}

export class CaptureWire implements EthernetWire {
  readonly #wire: EthernetWire;
  readonly #ram: Ram;
  readonly #clock: Clock;
  readonly #writer: PcapngWriter;
  /** Where the oldest waiting frame is copied to, for the capture. */
  readonly #scratchAt: number;

  constructor(options: CaptureWireOptions) {
    this.#wire = options.wire;
    this.#ram = options.ram;
    this.#clock = options.clock;
    this.#writer = options.writer;
    this.#scratchAt = options.ram.takeStaging(WIRE_BYTES_MAX);
  }

  /** A frame that was lost before it reached this wire. */
  dropped(frame: Uint8Array, reason: string): void {
    this.#writer.frame(this.#clock.now(), 'in', frame, `dropped: ${reason}`);
  }

  attach(end: EthernetEnd): void {
    this.#wire.attach(end);
  }

  linkUp(): boolean {
    return this.#wire.linkUp();
  }

  nextLength(): number {
    return this.#wire.nextLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#wire.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#writeNext(undefined);
    this.#wire.takeNext();
  }

  dropNext(reason: string): void {
    this.#writeNext(`dropped: ${reason}`);
    this.#wire.dropNext(reason);
  }

  transmit(at: number, lengthBytes: number): void {
    this.#write('out', at, lengthBytes, undefined);
    this.#wire.transmit(at, lengthBytes);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#write('out', at, lengthBytes, `dropped: ${reason}`);
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }

  #writeNext(comment: string | undefined): void {
    const lengthBytes = this.#wire.nextLength();
    this.#wire.copyNext(0, this.#scratchAt, lengthBytes);
    this.#write('in', this.#scratchAt, lengthBytes, comment);
  }

  #write(
    direction: 'in' | 'out',
    at: number,
    lengthBytes: number,
    comment: string | undefined,
  ): void {
    const bytes = this.#ram.u8.subarray(at, at + lengthBytes);
    this.#writer.frame(this.#clock.now(), direction, bytes, comment);
  }
}
