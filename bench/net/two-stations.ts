/**
 * Two traffic generators on one cable, as behind a switch: each hears what is for its own address.
 */

import type { TrafficGenerator } from '../../board/links/generator.ts';
import type { EthernetEnd, EthernetWire } from '../../board/ethernet.ts';
import type { Ram } from '../../memory/ram.ts';

const MAC_BYTES = 6;

export interface AttachedStation {
  readonly generator: TrafficGenerator;
  /** Its own address. */
  readonly mac: Uint8Array;
}

export class TwoStations implements EthernetWire {
  readonly checksums = 'right';
  readonly #ram: Ram;
  readonly #first: AttachedStation;
  readonly #second: AttachedStation;
  /** Whose frame goes next, when both have one. */
  #turn: 'first' | 'second' = 'first';

  constructor(ram: Ram, first: AttachedStation, second: AttachedStation) {
    this.#ram = ram;
    this.#first = first;
    this.#second = second;
  }

  attach(end: EthernetEnd): void {
    this.#first.generator.attach(end);
    this.#second.generator.attach(end);
  }

  linkUp(): boolean {
    return true;
  }

  nextLength(): number {
    return this.#next().nextLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#next().copyNext(from, to, lengthBytes);
  }

  takeNext(): void {
    this.#next().takeNext();
    this.#turn = this.#turn === 'first' ? 'second' : 'first';
  }

  dropNext(): void {
    this.#next().dropNext();
    this.#turn = this.#turn === 'first' ? 'second' : 'first';
  }

  /** A broadcast is heard by both. */
  transmit(at: number, lengthBytes: number): void {
    for (const { generator, mac } of [this.#first, this.#second]) {
      if (this.#isFor(at, mac)) generator.transmit(at, lengthBytes);
    }
  }

  dropTransmit(): void {
    // A time-out counts it.
  }

  /** Stays the same until the frame is taken or dropped. */
  #next(): TrafficGenerator {
    const [one, other] =
      this.#turn === 'first' ? [this.#first, this.#second] : [this.#second, this.#first];
    if (one.generator.nextLength() > 0) return one.generator;
    return other.generator.nextLength() > 0 ? other.generator : one.generator;
  }

  #isFor(at: number, mac: Uint8Array): boolean {
    const { u8 } = this.#ram;
    const group = ((u8[at] as number) & 1) !== 0;
    if (group) return true;
    for (let i = 0; i < MAC_BYTES; i += 1) if (u8[at + i] !== mac[i]) return false;
    return true;
  }
}
