/**
 * A wire that writes down what passes: it wraps any other wire, and the NIC does not notice.
 *
 * A frame that the NIC removes without having copied a byte of it was dropped (no receive buffer, or not meant for it): the
 * capture says so in a comment.
 */

import type { Clock } from '../../board/clock.ts';
import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import { FRAME_BYTES_MAX } from '../../board/ethernet.ts';
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
  #copied: 'no' | 'yes' = 'no';

  constructor(options: CaptureWireOptions) {
    this.#wire = options.wire;
    this.#ram = options.ram;
    this.#clock = options.clock;
    this.#writer = options.writer;
    this.#scratchAt = options.ram.takeStaging(FRAME_BYTES_MAX);
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
    this.#copied = 'yes';
    this.#wire.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    const lengthBytes = this.#wire.nextLength();
    this.#wire.copyNext(0, this.#scratchAt, lengthBytes);
    const comment =
      this.#copied === 'yes' ? undefined : 'dropped: by the NIC (no receive buffer, or not for it)';
    this.#write('in', this.#scratchAt, lengthBytes, comment);
    this.#copied = 'no';
    this.#wire.takeNext();
  }

  transmit(at: number, lengthBytes: number): void {
    this.#write('out', at, lengthBytes, undefined);
    this.#wire.transmit(at, lengthBytes);
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
