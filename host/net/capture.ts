/**
 * Writes down what passes a wire. A frame that is lost, at the NIC or on the way to the wire, is
 * written with a comment that says why.
 */

import type { Clock } from '../../board/clock.ts';
import type { EthernetWire } from '../../board/ethernet.ts';
import { type FrameObserver, ObservedWire } from '../../board/links/observed-wire.ts';
import type { Ram } from '../../memory/ram.ts';
import type { FrameWriter } from './pcapng-writer.ts';

export interface CaptureParts {
  readonly ram: Ram;
  readonly clock: Clock;
  readonly writer: FrameWriter;
}

export class Capture implements FrameObserver {
  readonly #parts: CaptureParts;

  constructor(parts: CaptureParts) {
    this.#parts = parts;
  }

  /** @returns the wire, with what passes it written down */
  of(wire: EthernetWire): EthernetWire {
    const { ram, clock } = this.#parts;
    return new ObservedWire({ wire, ram, clock, observer: this });
  }

  /** A frame that was lost before it reached the wire. */
  dropped(frame: Uint8Array, reason: string): void {
    this.frame('in', this.#parts.clock.now(), frame, reason);
  }

  frame(
    direction: 'in' | 'out',
    nowNs: number,
    bytes: Uint8Array,
    dropReason: string | undefined,
  ): void {
    const comment = dropReason === undefined ? undefined : `dropped: ${dropReason}`;
    this.#parts.writer.frame(nowNs, direction, bytes, comment);
  }
}
