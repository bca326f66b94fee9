/**
 * Sees each frame that a NIC takes from its cable and each that it sends, and tells the accounts.
 * It stands as near to the NIC as can be: what goes wrong on the cable is behind it.
 */

import type { FrameObserver } from '../../board/links/observed-wire.ts';
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
  readonly ram: Ram;
  readonly clients: readonly Station[];
  readonly accounts: NetAccounts;
}

export class NetWitness implements FrameObserver {
  readonly #ram: Ram;
  readonly #clients: readonly Station[];
  readonly #accounts: NetAccounts;

  constructor({ ram, clients, accounts }: NetWitnessOptions) {
    this.#ram = ram;
    this.#clients = clients;
    this.#accounts = accounts;
  }

  /**
   * What the NIC was given to send counts as sent, also when the cable has lost it: the system has
   * done its part.
   */
  frame(
    direction: 'in' | 'out',
    nowNs: number,
    bytes: Uint8Array,
    dropReason: string | undefined,
  ): void {
    if (direction === 'out') this.#sent(bytes.byteOffset, bytes.length, nowNs);
    else if (dropReason === undefined) this.#taken(bytes.byteOffset, bytes.length);
  }

  #taken(at: number, bytes: number): void {
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

  #sent(at: number, bytes: number, nowNs: number): void {
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
