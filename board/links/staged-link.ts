/**
 * An Ethernet link whose frames wait in staging memory: between a NIC and whatever plays the other
 * end, such as a bridge to the host.
 *
 *     far end: send() / offer() ──▶ receive slots ──▶ NIC
 *     far end: drain()          ◀── transmit slots ◀── NIC
 *
 * Slots have a fixed size and nothing is allocated per frame. A direction that is full refuses or
 * drops, and counts.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { type EthernetEnd, type EthernetWire, MTU_STANDARD, WIRE_BYTES_MAX } from '../ethernet.ts';
import { FrameSlots } from './frame-slots.ts';

const SLOTS = 512;

/** Takes the frames that the NIC has sent. */
export interface FarEnd {
  /** The bytes are valid during the call only. */
  transmit(frame: Uint8Array): void;
}

export interface StagedLinkOptions {
  readonly ram: Ram;
  /** Frames that wait in each direction, at most; a power of two, 512 unless told. */
  readonly slots?: number;
  /**
   * Called when the NIC has sent a frame and none was waiting: somebody should drain the link soon.
   */
  readonly onTransmit?: () => void;
  /** See {@link EthernetWire.checksums}. */
  readonly checksums?: 'right' | 'unknown';
  /** See {@link EthernetWire.mtu}. */
  readonly mtu?: number;
}

/** Every frame is counted once in its direction. */
export interface LinkCounters {
  /** From the far end to the NIC. */
  sent: number;
  /** Refused: all slots were taken. */
  full: number;
  /** Refused: longer than a slot, or empty. */
  badLength: number;
  /** Refused: the link is down. */
  down: number;
  /** From the NIC to the far end. */
  transmitted: number;
  /** Lost: the far end did not drain the link in time. */
  overrun: number;
}

export class StagedLink implements EthernetWire {
  readonly counters: LinkCounters = {
    sent: 0,
    full: 0,
    badLength: 0,
    down: 0,
    transmitted: 0,
    overrun: 0,
  };
  readonly checksums: 'right' | 'unknown';
  readonly mtu: number;
  readonly #ram: Ram;
  readonly #toNic: FrameSlots;
  readonly #fromNic: FrameSlots;
  readonly #onTransmit: () => void;
  /** Frames leave here: host code must not be given a view of RAM. */
  readonly #outgoing = new Uint8Array(WIRE_BYTES_MAX);
  #end: EthernetEnd | undefined;
  #link: 'up' | 'down' = 'up';

  constructor(options: StagedLinkOptions) {
    const slots = options.slots ?? SLOTS;
    this.#ram = options.ram;
    this.#toNic = new FrameSlots(options.ram, slots);
    this.#fromNic = new FrameSlots(options.ram, slots);
    this.#onTransmit = options.onTransmit ?? (() => undefined);
    this.checksums = options.checksums ?? 'unknown';
    this.mtu = options.mtu ?? MTU_STANDARD;
  }

  // The far end.

  /**
   * Sends one frame to the NIC.
   *
   * @returns 'full' or 'refused' when it was not taken: counted, and nothing has changed
   */
  send(bytes: Uint8Array, from: number, lengthBytes: number): 'ok' | 'full' | 'refused' {
    const answer = this.#accept(lengthBytes);
    if (answer !== 'ok') return answer;
    const u8 = this.#ram.u8;
    const to = this.#toNic.tailAt();
    if (from === 0 && lengthBytes === bytes.length) {
      u8.set(bytes, to);
    } else {
      u8.set(bytes.subarray(from, from + lengthBytes), to);
    }
    this.#toNic.add(lengthBytes);
    this.#end?.frameArrived();
    return 'ok';
  }

  /** Sends one frame that lies in RAM or staging at `at`. */
  sendFrom(at: number, lengthBytes: number): 'ok' | 'full' | 'refused' {
    const answer = this.#accept(lengthBytes);
    if (answer !== 'ok') return answer;
    this.#ram.copy(this.#toNic.tailAt(), at, lengthBytes);
    this.#toNic.add(lengthBytes);
    this.#end?.frameArrived();
    return 'ok';
  }

  /** For bridges that hold frames back: an offer refused for want of room is not counted. */
  offer(frame: Uint8Array): 'ok' | 'full' {
    if (this.#toNic.isFull) return 'full';
    return this.send(frame, 0, frame.length) === 'full' ? 'full' : 'ok';
  }

  /** Frames that {@link offer} would take now. */
  roomLeft(): number {
    return this.#toNic.room;
  }

  /** Frames that {@link drain} would hand over. */
  get waiting(): number {
    return this.#fromNic.count;
  }

  /** Hands over all frames that the NIC has sent. @returns how many */
  drain(to: FarEnd): number {
    const count = this.#fromNic.count;
    for (let i = 0; i < count; i++) {
      const lengthBytes = this.#fromNic.headLength();
      const at = this.#fromNic.headAt();
      this.#outgoing.set(this.#ram.u8.subarray(at, at + lengthBytes));
      this.#fromNic.remove();
      to.transmit(this.#outgoing.subarray(0, lengthBytes));
    }
    return count;
  }

  /** Plugs the cable in or pulls it; frames under way stay. */
  setLink(link: 'up' | 'down'): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#end?.linkChanged();
  }

  // The NIC's end.

  attach(end: EthernetEnd): void {
    assert(this.#end === undefined, 'one NIC at a time');
    this.#end = end;
    if (!this.#toNic.isEmpty) end.frameArrived();
  }

  linkUp(): boolean {
    return this.#link === 'up';
  }

  nextLength(): number {
    return this.#toNic.isEmpty ? 0 : this.#toNic.headLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    assert(from + lengthBytes <= this.#toNic.headLength(), 'a part of the frame is copied');
    this.#ram.copy(to, this.#toNic.headAt() + from, lengthBytes);
  }

  takeNext(): void {
    this.#toNic.remove();
  }

  dropNext(): void {
    this.#toNic.remove();
  }

  transmit(at: number, lengthBytes: number): void {
    if (this.#fromNic.isFull) {
      this.counters.overrun += 1;
      return;
    }
    const first = this.#fromNic.isEmpty;
    this.#ram.copy(this.#fromNic.tailAt(), at, lengthBytes);
    this.#fromNic.add(lengthBytes);
    this.counters.transmitted += 1;
    if (first) this.#onTransmit();
  }

  dropTransmit(): void {
    // The NIC counts what it loses.
  }

  #accept(lengthBytes: number): 'ok' | 'full' | 'refused' {
    if (lengthBytes < 1 || lengthBytes > WIRE_BYTES_MAX) {
      this.counters.badLength += 1;
      return 'refused';
    }
    if (this.#link === 'down') {
      this.counters.down += 1;
      return 'refused';
    }
    if (this.#toNic.isFull) {
      this.counters.full += 1;
      return 'full';
    }
    this.counters.sent += 1;
    return 'ok';
  }
}
