/**
 * A wire that lets somebody watch what passes: wraps any other wire, and neither side notices.
 * Frames that are lost at the NIC's side of this wire are shown too, with the reason.
 */

import type { Ram } from '../../memory/ram.ts';
import type { Clock } from '../clock.ts';
import { type EthernetEnd, type EthernetWire, WIRE_BYTES_MAX } from '../ethernet.ts';

/** Told of every frame. */
export interface FrameObserver {
  /**
   * @param direction 'in' to the NIC, 'out' from it
   * @param bytes a view of RAM, to read, and during the call only
   * @param dropReason why the frame is lost; undefined when it is not
   */
  frame(
    direction: 'in' | 'out',
    nowNs: number,
    bytes: Uint8Array,
    dropReason: string | undefined,
  ): void;
}

export interface ObservedWireOptions {
  readonly wire: EthernetWire;
  readonly ram: Ram;
  readonly clock: Clock;
  readonly observer: FrameObserver;
}

export class ObservedWire implements EthernetWire {
  readonly checksums: EthernetWire['checksums'];
  readonly mtu: EthernetWire['mtu'];
  readonly #wire: EthernetWire;
  readonly #ram: Ram;
  readonly #clock: Clock;
  readonly #observer: FrameObserver;
  /** Where the oldest waiting frame is copied to, to be shown. */
  readonly #copyAt: number;

  constructor(options: ObservedWireOptions) {
    this.#wire = options.wire;
    this.checksums = options.wire.checksums;
    this.mtu = options.wire.mtu;
    this.#ram = options.ram;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#copyAt = options.ram.takeStaging(WIRE_BYTES_MAX);
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
    this.#wire.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#showNext(undefined);
    this.#wire.takeNext();
  }

  dropNext(reason: string): void {
    this.#showNext(reason);
    this.#wire.dropNext(reason);
  }

  transmit(at: number, lengthBytes: number): void {
    this.#show('out', at, lengthBytes, undefined);
    this.#wire.transmit(at, lengthBytes);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#show('out', at, lengthBytes, reason);
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }

  #showNext(dropReason: string | undefined): void {
    const lengthBytes = this.#wire.nextLength();
    this.#wire.copyNext(0, this.#copyAt, lengthBytes);
    this.#show('in', this.#copyAt, lengthBytes, dropReason);
  }

  #show(
    direction: 'in' | 'out',
    at: number,
    lengthBytes: number,
    dropReason: string | undefined,
  ): void {
    const bytes = this.#ram.u8.subarray(at, at + lengthBytes);
    this.#observer.frame(direction, this.#clock.now(), bytes, dropReason);
  }
}
