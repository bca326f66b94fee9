/** A wire that tells where the frames of the NIC are: see `packet-watch.ts`. */

import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';

export interface WireListener {
  /** The NIC has taken a frame and put it at this position in RAM. */
  received(at: number, lengthBytes: number): void;
  /** The NIC has taken a frame and dropped it. */
  lost(reason: string): void;
  /** The NIC sends the frame that lies there. */
  sent(at: number, lengthBytes: number): void;
}

export class WatchedWire implements EthernetWire {
  readonly checksums: EthernetWire['checksums'];
  readonly mtu: EthernetWire['mtu'];
  readonly #wire: EthernetWire;
  readonly #listener: WireListener;
  /** Where the beginning of the oldest frame has been copied to. */
  #to = 0;

  constructor(wire: EthernetWire, listener: WireListener) {
    this.#wire = wire;
    this.checksums = wire.checksums;
    this.mtu = wire.mtu;
    this.#listener = listener;
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

  get nextIsChanged(): boolean {
    return this.#wire.nextIsChanged === true;
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    if (from === 0) this.#to = to;
    this.#wire.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#listener.received(this.#to, this.#wire.nextLength());
    this.#wire.takeNext();
  }

  dropNext(reason: string): void {
    this.#listener.lost(reason);
    this.#wire.dropNext(reason);
  }

  transmit(at: number, lengthBytes: number): void {
    this.#listener.sent(at, lengthBytes);
    this.#wire.transmit(at, lengthBytes);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }
}
