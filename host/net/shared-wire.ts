/**
 * One NIC on two wires: a generator and a bridge share it, as stations on a hub do. A frame that
 * the NIC sends goes to the generator when it is addressed to the generator's MAC, to both when it
 * is a broadcast, else to the bridge.
 */

import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import type { Ram } from '../../memory/ram.ts';

export interface SharedWireOptions {
  readonly ram: Ram;
  /** The wire for frames to {@link mac}. */
  readonly station: EthernetWire;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** The wire for all others. Its frames are received first: they are few. */
  readonly others: EthernetWire;
}

export class SharedWire implements EthernetWire {
  readonly checksums: EthernetWire['checksums'];
  readonly mtu: EthernetWire['mtu'];
  readonly #ram: Ram;
  readonly #station: EthernetWire;
  readonly #others: EthernetWire;
  readonly #mac: Uint8Array;
  /** Whose frame is the oldest waiting one, from the first look at it until it is taken. */
  #next: EthernetWire | undefined;

  constructor(options: SharedWireOptions) {
    this.#ram = options.ram;
    this.#station = options.station;
    this.#others = options.others;
    this.#mac = options.mac;
    const { station, others } = options;
    this.checksums = station.checksums === 'right' ? others.checksums : 'unknown';
    this.mtu = others.mtu;
  }

  attach(end: EthernetEnd): void {
    this.#station.attach(end);
    this.#others.attach(end);
  }

  linkUp(): boolean {
    return this.#station.linkUp() && this.#others.linkUp();
  }

  get nextIsChanged(): boolean {
    return this.#next?.nextIsChanged === true;
  }

  nextLength(): number {
    if (this.#next !== undefined) return this.#next.nextLength();
    const lengthBytes = this.#others.nextLength();
    if (lengthBytes > 0) {
      this.#next = this.#others;
      return lengthBytes;
    }
    const other = this.#station.nextLength();
    if (other > 0) this.#next = this.#station;
    return other;
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#next?.copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#next?.takeNext();
    this.#next = undefined;
  }

  dropNext(reason: string): void {
    this.#next?.dropNext(reason);
    this.#next = undefined;
  }

  transmit(at: number, lengthBytes: number): void {
    const { u8 } = this.#ram;
    const isGroup = ((u8[at] as number) & 1) === 1;
    const isStation = this.#isForStation(at);
    if (isGroup || isStation) this.#station.transmit(at, lengthBytes);
    if (!isStation) this.#others.transmit(at, lengthBytes);
  }

  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#station.dropTransmit(at, lengthBytes, reason);
    this.#others.dropTransmit(at, lengthBytes, reason);
  }

  #isForStation(at: number): boolean {
    const { u8 } = this.#ram;
    for (let index = 0; index < this.#mac.length; index += 1) {
      if (u8[at + index] !== this.#mac[index]) return false;
    }
    return true;
  }
}
