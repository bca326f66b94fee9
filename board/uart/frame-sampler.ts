/**
 * What a receiver makes of characters that were sent in another format.
 *
 * The sender's characters become levels on the line with their times; the receiver waits for a
 * falling edge, samples in the middle of each of its own bits, and checks its parity and its first
 * stop bit. So a wrong baud rate gives what it gives on real hardware: framing errors and garbage,
 * sometimes more and sometimes fewer characters than were sent.
 */

import { assert } from '../../memory/assert.ts';
import {
  bitNs,
  CHAR_BREAK,
  CHAR_FRAMING_ERROR,
  CHAR_PARITY_ERROR,
  frameBits,
  parityBit,
} from '../serial-wire.ts';
import type { LineFormat } from '../serial-wire.ts';

/**
 * Levels remembered at most; a frame has at most 12 edges and a receiver waits for at most 13 of
 * its own bits.
 */
const EDGES_MAX = 4096;

/** One direction of a line whose ends differ in format. */
export class FrameSampler {
  readonly #sender: LineFormat;
  readonly #receiver: LineFormat;
  readonly #deliver: (character: number) => void;
  /**
   * Times at which the line changes level, alternating from the idle mark: edge 0 falls, edge 1
   * rises.
   */
  readonly #edges: number[] = [];
  /** The line is known up to here. */
  #knownNs = 0;
  /** The receiver looks for its next start bit from here. */
  #idleFromNs = 0;

  constructor(sender: LineFormat, receiver: LineFormat, deliver: (character: number) => void) {
    assert(sender.baud > 0 && receiver.baud > 0, 'both ends of a line have a clock');
    this.#sender = sender;
    this.#receiver = receiver;
    this.#deliver = deliver;
  }

  /**
   * Puts one character on the line and delivers what the receiver can already decide.
   *
   * @param startNs when its start bit begins; moved behind the character before, if it is too early
   */
  send(data: number, startNs: number): void {
    const bit = bitNs(this.#sender);
    let at = Math.max(startNs, this.#knownNs);
    let level = 1;
    const put = (next: number, bits: number): void => {
      if (next !== level) this.#edges.push(at);
      level = next;
      at += bits * bit;
    };
    put(0, 1);
    for (let index = 0; index < this.#sender.dataBits; index += 1) put((data >>> index) & 1, 1);
    if (this.#sender.parity !== 'none') put(parityBit(data, this.#sender.parity), 1);
    put(1, this.#sender.stopBits);
    this.#knownNs = at;
    this.#decide();
  }

  /** The line has been idle until now: delivers what the receiver was waiting for. */
  idleUntil(nowNs: number): void {
    this.#knownNs = Math.max(this.#knownNs, nowNs);
    this.#decide();
  }

  /** @returns when a frame that has begun ends for the receiver, `Infinity` when none has begun */
  pendingUntil(): number {
    const startNs = this.#nextFallingEdge();
    return startNs === Infinity ? Infinity : startNs + this.#frameNs();
  }

  #frameNs(): number {
    return frameBits(this.#receiver) * bitNs(this.#receiver);
  }

  #nextFallingEdge(): number {
    const edges = this.#edges;
    // A start bit is a change from mark to space; a line that is still at space has to come back
    // first.
    for (let index = 0; index < edges.length; index += 2) {
      if ((edges[index] as number) >= this.#idleFromNs) return edges[index] as number;
    }
    return Infinity;
  }

  #decide(): void {
    for (;;) {
      const startNs = this.#nextFallingEdge();
      if (startNs === Infinity || startNs + this.#frameNs() > this.#knownNs) break;
      this.#receiveFrame(startNs);
    }
    this.#forget();
  }

  #receiveFrame(startNs: number): void {
    const bit = bitNs(this.#receiver);
    const { dataBits, parity } = this.#receiver;
    let index = 0;
    let data = 0;
    // In the middle of the start bit the line must still be at space, or it was noise.
    if (this.#levelAt(startNs + bit / 2) === 1) {
      this.#idleFromNs = startNs + bit / 2;
      return;
    }
    for (; index < dataBits; index += 1) {
      data |= this.#levelAt(startNs + (index + 1.5) * bit) << index;
    }
    let character = data;
    if (parity !== 'none') {
      if (this.#levelAt(startNs + (index + 1.5) * bit) !== parityBit(data, parity)) {
        character |= CHAR_PARITY_ERROR;
      }
      index += 1;
    }
    const stopNs = startNs + (index + 1.5) * bit;
    if (this.#levelAt(stopNs) === 0) {
      character |= CHAR_FRAMING_ERROR;
      if (data === 0 && this.#spaceThroughout(startNs, stopNs)) character |= CHAR_BREAK;
    }
    this.#idleFromNs = stopNs;
    this.#deliver(character);
  }

  #spaceThroughout(fromNs: number, toNs: number): boolean {
    return !this.#edges.some((edgeNs) => edgeNs > fromNs && edgeNs <= toNs);
  }

  #levelAt(ns: number): number {
    let level = 1;
    for (const edgeNs of this.#edges) {
      if (edgeNs > ns) break;
      level ^= 1;
    }
    return level;
  }

  /** Drops the pairs of edges that lie before everything the receiver will still look at. */
  #forget(): void {
    const edges = this.#edges;
    let pairs = 0;
    while (pairs + 1 < edges.length && (edges[pairs + 1] as number) < this.#idleFromNs) pairs += 2;
    if (pairs > 0) edges.splice(0, pairs);
    assert(edges.length <= EDGES_MAX, 'a frame sampler forgets what lies behind');
  }
}
