/**
 * Asks echo clients over UDP, and knows what has to come back: each question that the NIC has taken
 * in whole is answered once, with the same bytes, in the order of the questions of its client.
 *
 *     NetWorkload ── faults of the cable ── NetWitness ── NIC
 *
 * The witness stands between the NIC and everything that goes wrong on the cable, so a frame that
 * is lost, doubled or damaged there excuses nothing: what the NIC took is what counts.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import { type EthernetEnd, type EthernetWire, WIRE_BYTES_MAX } from '../../board/ethernet.ts';
import { FrameSlots } from '../../board/links/frame-slots.ts';
import { ObservedWire } from '../../board/links/observed-wire.ts';
import {
  isArpRequestFor,
  PADDED_FRAME_BYTES,
  PAYLOAD_AT,
  type Station,
  writeArpReply,
  writeUdpFrame,
} from '../../board/links/udp-frame.ts';
import type { Random } from '../../board/random.ts';
import type { Ram } from '../../memory/ram.ts';
import { NetAccounts } from './net-accounts.ts';
import { ASKER, QUESTION_BYTES_MIN } from './net-question.ts';
import { NetWitness } from './net-witness.ts';
import { writeStrayFrame } from './stray-frames.ts';
import type { Excused, Violation, Workload } from './workload.ts';

export interface NetWorkloadOptions {
  readonly ram: Ram;
  readonly clock: Clock;
  readonly random: Random;
  /** The echo servers. */
  readonly clients: readonly (Station & { readonly name: string })[];
  /** Questions in all. */
  readonly questions: number;
  /** When a fault has struck last, ns; 0 before the first. */
  readonly lastStrikeNs?: () => number;
}

const WAITING_MAX = 256;
/** A burst has up to this many frames, and the next comes up to this much later. */
const BURST_MAX = 16;
const PAUSE_NS_MAX = 60_000;
const QUESTION_BYTES_MAX = 1514;
/**
 * Behind one burst in so many nothing is asked until all has been answered: a lost wake-up shows
 * only when nobody gives the next push. A pause ends this long after it began and after the last
 * fault that has struck in it: longer than a fault lasts and than a driver's watchdog waits.
 */
const PAUSE_ONE_IN = 4;
/** With one burst in so many comes a frame that is no question. */
const STRAY_ONE_IN = 2;
const ANSWERED_WITHIN_NS = 25_000_000;

export class NetWorkload implements Workload, EthernetWire {
  readonly patienceNs = 50_000_000;
  readonly accounts: NetAccounts;
  readonly #ram: Ram;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #strays: Random;
  readonly #clients: NetWorkloadOptions['clients'];
  readonly #questions: number;
  readonly #lastStrikeNs: () => number;
  readonly #waiting: FrameSlots;
  readonly #scratchAt: number;
  readonly #next: ClockEvent = { fire: (nowNs) => this.#burst(nowNs) };
  #end: EthernetEnd | undefined;
  #asked = 0;
  #crowded = 0;
  #strayed = 0;
  /**
   * Since when no burst has come, because the last ones are to be answered first; undefined outside
   * of such a pause.
   */
  #pausedNs: number | undefined;
  /** When a pause ended without all having been answered, for the first time. */
  #stalledNs: number | undefined;

  constructor(options: NetWorkloadOptions) {
    const { ram, clock, random, clients, questions, lastStrikeNs = () => 0 } = options;
    this.#ram = ram;
    this.#clock = clock;
    this.#random = random;
    this.#strays = random.fork('strays');
    this.#clients = clients;
    this.#questions = questions;
    this.#lastStrikeNs = lastStrikeNs;
    this.#waiting = new FrameSlots(ram, WAITING_MAX);
    this.#scratchAt = ram.takeStaging(WIRE_BYTES_MAX);
    this.accounts = new NetAccounts(clients.map(({ name }) => name));
  }

  /** @param wire this workload, with what goes wrong on the cable in front of it */
  witness(wire: EthernetWire): EthernetWire {
    const { accounts } = this;
    const [ram, clock, clients] = [this.#ram, this.#clock, this.#clients];
    const observer = new NetWitness({ ram, clients, accounts });
    return new ObservedWire({ wire, ram, clock, observer });
  }

  start(): void {
    this.#clock.schedule(this.#next, this.#clock.now());
  }

  get isDone(): boolean {
    return this.#asked >= this.#questions;
  }

  get isAnswered(): boolean {
    return this.accounts.areAllAnswered && this.#waiting.isEmpty;
  }

  probe(): void {
    this.accounts.expectProbes(this.#clients.map((_, client) => this.#askSurely(client)));
    this.#end?.frameArrived();
  }

  unserved(): readonly string[] {
    return this.accounts.unserved();
  }

  counters(): Readonly<Record<string, number>> {
    return {
      asked: this.#asked,
      strays: this.#strayed,
      crowded: this.#crowded,
      ...this.accounts.counters,
    };
  }

  violations(excused: Excused): readonly Violation[] {
    const found = this.accounts.violations(excused, this.#clock.now());
    const where = 'the system';
    const isExcused = (['loss', 'rest', 'progress', 'watchdog'] as const).some((each) =>
      this.#clients.some(({ name }) => excused(each, name)),
    );
    if (this.#stalledNs === undefined || isExcused) return found;
    const what = `nobody asks any more, and after ${ANSWERED_WITHIN_NS / 1e6} ms not all is answered`;
    return [{ oracle: 'progress', where, what, timeNs: this.#stalledNs }, ...found];
  }

  // The wire, as what is in front of it sees it.

  attach(end: EthernetEnd): void {
    this.#end = end;
  }

  linkUp(): boolean {
    return true;
  }

  nextLength(): number {
    return this.#waiting.isEmpty ? 0 : this.#waiting.headLength();
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    this.#ram.copy(to, this.#waiting.headAt() + from, lengthBytes);
  }

  takeNext(): void {
    this.#waiting.remove();
  }

  dropNext(): void {
    this.#waiting.remove();
  }

  /**
   * Answers are looked at by the witness; here only questions about our own address are answered.
   */
  transmit(at: number, lengthBytes: number): void {
    if (!isArpRequestFor(this.#ram.view, at, lengthBytes, ASKER.ip)) return;
    writeArpReply(this.#ram, this.#scratchAt, at, ASKER);
    this.#send(PADDED_FRAME_BYTES);
    this.#end?.frameArrived();
  }

  dropTransmit(): void {
    // It would have come here; whether it had to is for the witness to say.
  }

  #burst(nowNs: number): void {
    if (this.#isPaused(nowNs)) {
      this.#clock.schedule(this.#next, nowNs + PAUSE_NS_MAX);
      return;
    }
    const left = this.#questions - this.#asked;
    const count = Math.min(left, 1 + this.#random.below(BURST_MAX));
    for (let i = 0; i < count; i += 1) this.#ask(this.#random.below(this.#clients.length));
    if (this.#strays.below(STRAY_ONE_IN) === 0) this.#stray();
    this.#end?.frameArrived();
    if (this.isDone) return;
    if (this.#random.below(PAUSE_ONE_IN) === 0) this.#pausedNs = nowNs;
    this.#clock.schedule(this.#next, nowNs + this.#random.below(PAUSE_NS_MAX));
  }

  #isPaused(nowNs: number): boolean {
    if (this.#pausedNs === undefined) return false;
    const undisturbedNs = Math.max(this.#pausedNs, this.#lastStrikeNs());
    const isOver = nowNs - undisturbedNs > ANSWERED_WITHIN_NS;
    if (!isOver && !this.isAnswered) return true;
    if (isOver) this.#stalledNs ??= nowNs;
    this.#pausedNs = undefined;
    return false;
  }

  /** A frame that is no question. */
  #stray(): void {
    const client = this.#clients[this.#strays.below(this.#clients.length)] as Station;
    this.#strayed += 1;
    this.#send(writeStrayFrame(this.#ram, this.#scratchAt, this.#strays, client));
  }

  /** Where there is no room, an older question that nobody has taken yet is lost in its place. */
  #askSurely(client: number): number {
    if (this.#waiting.isFull) {
      this.#crowded += 1;
      this.#waiting.remove();
    }
    return this.#ask(client);
  }

  /** @returns the number of the question */
  #ask(client: number): number {
    const number = this.#asked;
    this.#asked += 1;
    const to = this.#clients[client] as Station;
    const span = QUESTION_BYTES_MAX - QUESTION_BYTES_MIN + 1;
    // Half of them short, as on real networks.
    const bytes = QUESTION_BYTES_MIN + this.#random.below(this.#random.below(2) === 0 ? 64 : span);
    const at = this.#scratchAt;
    const payloadAt = at + PAYLOAD_AT;
    const filler = this.#random.below(256);
    this.#ram.fill(payloadAt, filler, bytes - PAYLOAD_AT);
    this.#ram.view.setUint32(payloadAt, number, true);
    this.#ram.view.setUint32(payloadAt + 4, client, true);
    writeUdpFrame(this.#ram, at, { from: ASKER, to, identification: number }, bytes);
    this.#send(bytes);
    return number;
  }

  #send(bytes: number): void {
    if (this.#waiting.isFull) {
      this.#crowded += 1;
      return;
    }
    this.#ram.copy(this.#waiting.tailAt(), this.#scratchAt, bytes);
    this.#waiting.add(bytes);
  }
}
