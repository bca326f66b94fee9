/**
 * Sees each frame that a NIC takes from its cable and each that it sends, and tells the accounts.
 * It changes nothing, and stands as near to the NIC as can be: what goes wrong on the cable is
 * behind it.
 */

import type { Clock } from '../../board/clock.ts';
import { type EthernetEnd, type EthernetWire, WIRE_BYTES_MAX } from '../../board/ethernet.ts';
import {
  checksumsRight,
  isUdpBetween,
  PAYLOAD_AT,
  type Station,
} from '../../board/links/udp-frame.ts';
import type { Ram } from '../../memory/ram.ts';
import type { NetAccounts } from './net-accounts.ts';
import { ASKER, QUESTION_BYTES_MIN } from './net-question.ts';
import { isStrayFrame } from './stray-frames.ts';

export interface NetWitnessOptions {
  readonly wire: EthernetWire;
  readonly ram: Ram;
  readonly clock: Clock;
  readonly clients: readonly Station[];
  readonly accounts: NetAccounts;
}

export class NetWitness implements EthernetWire {
  readonly #wire: EthernetWire;
  readonly #ram: Ram;
  readonly #clock: Clock;
  readonly #clients: readonly Station[];
  readonly #accounts: NetAccounts;
  readonly #copyAt: number;

  constructor({ wire, ram, clock, clients, accounts }: NetWitnessOptions) {
    this.#wire = wire;
    this.#ram = ram;
    this.#clock = clock;
    this.#clients = clients;
    this.#accounts = accounts;
    this.#copyAt = ram.takeStaging(WIRE_BYTES_MAX);
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
    const bytes = this.#wire.nextLength();
    this.#wire.copyNext(0, this.#copyAt, bytes);
    this.#wire.takeNext();
    this.#taken(bytes);
  }

  dropNext(reason: string): void {
    this.#wire.dropNext(reason);
  }

  transmit(at: number, lengthBytes: number): void {
    this.#sent(at, lengthBytes);
    this.#wire.transmit(at, lengthBytes);
  }

  /**
   * The NIC was given the frame to send, so the system has done its part; the cable was pulled, for
   * instance.
   */
  dropTransmit(at: number, lengthBytes: number, reason: string): void {
    this.#sent(at, lengthBytes);
    this.#wire.dropTransmit(at, lengthBytes, reason);
  }

  #taken(bytes: number): void {
    const at = this.#copyAt;
    if (isStrayFrame(this.#ram, at)) return;
    const client = this.#clients.findIndex(
      (station) =>
        this.#isFor(station, at) && isUdpBetween(this.#ram.view, at, bytes, ASKER, station),
    );
    if (client < 0 || bytes < QUESTION_BYTES_MIN || !checksumsRight(this.#ram, at, bytes)) {
      this.#accounts.tookDamaged();
      return;
    }
    const number = this.#ram.view.getUint32(at + PAYLOAD_AT, true);
    this.#accounts.took(client, number, this.#digest(at, bytes));
  }

  #sent(at: number, bytes: number): void {
    const nowNs = this.#clock.now();
    const client = this.#clients.findIndex((station) =>
      isUdpBetween(this.#ram.view, at, bytes, station, ASKER),
    );
    if (client < 0 || bytes < QUESTION_BYTES_MIN) return;
    if (!checksumsRight(this.#ram, at, bytes)) {
      this.#accounts.sentDamaged(client, nowNs);
      return;
    }
    const number = this.#ram.view.getUint32(at + PAYLOAD_AT, true);
    this.#accounts.sent(client, number, this.#digest(at, bytes), nowNs);
  }

  #isFor(station: Station, at: number): boolean {
    return station.mac.every((byte, index) => this.#ram.u8[at + index] === byte);
  }

  /** Of the length and the payload: what question and answer have in common. */
  #digest(at: number, bytes: number): number {
    const { u8 } = this.#ram;
    let digest = bytes;
    for (let i = at + PAYLOAD_AT; i < at + bytes; i += 1) {
      digest = Math.imul(digest ^ (u8[i] as number), 0x0100_0193);
    }
    return digest;
  }
}
