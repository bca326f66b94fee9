/**
 * A traffic generator and sink at the other end of a NIC's cable: it sends UDP datagrams to echo
 * servers, takes their answers, and measures the round trip.
 *
 * Every frame in flight has a slot, with its number in the payload. The frames are built once, in
 * staging memory, and replayed; after the start nothing is allocated. Two ways to send: *closed
 * loop* (no rate given) keeps a window in flight and sends the next burst when a burst's worth of
 * answers has come; *open loop* sends bursts at a rate, whether answers come or not. The same
 * options and seed give the same traffic.
 *
 * Limits: an answer that comes after its slot was given up and used again counts for the new
 * datagram. Under the host clock, times are as coarse as the board's turns.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import { LazyLoop } from '../../memory/lazy-loop.ts';
import type { Clock, ClockEvent } from '../clock.ts';
import { DevicePart } from '../device.ts';
import {
  type EthernetEnd,
  type EthernetWire,
  FRAME_BYTES_MAX,
  WIRE_BYTES_MAX,
} from '../ethernet.ts';
import type { Random } from '../random.ts';
import { type AnswerLoop, answerLoop, SHAPE_WORDS } from './answer-loop.ts';
import { AnswerShape } from './answer-shape.ts';
import { FrameSlots } from './frame-slots.ts';
import type { GeneratorCounters, GeneratorOptions } from './generator-options.ts';
import { GENERATOR_FRAME_BYTES_MIN, GENERATOR_MARK_BYTES, MAGIC } from './generator-mark.ts';
import { Histogram } from './histogram.ts';
import { SlotQueue } from './slot-queue.ts';
import {
  checksumsRight,
  isArpRequestFor,
  isUdpBetween,
  PADDED_FRAME_BYTES,
  PAYLOAD_AT,
  type Station,
  writeArpReply,
  writeUdpFrame,
} from './udp-frame.ts';

const ARP_SLOTS = 16;
const NOT_IN_FLIGHT = -1;
// Folded constants: docs/hot-code.md.
const SLOT_SHIFT = 11;
const ANSWER_BYTES_MIN = GENERATOR_FRAME_BYTES_MIN;
const SLOT_WORD = (PAYLOAD_AT + 4) >>> 2;
const NS_PER_S = 1_000_000_000;

export class TrafficGenerator extends DevicePart<GeneratorOptions> implements EthernetWire {
  readonly checksums: 'right' | 'unknown' = this.options.checksums ?? 'right';
  readonly counters: GeneratorCounters = {
    sent: 0,
    answered: 0,
    lost: 0,
    dropped: 0,
    skipped: 0,
    corrupt: 0,
    unexpected: 0,
    arpAnswered: 0,
    other: 0,
  };
  /** Round-trip times in ns; empty when they are not measured. */
  readonly roundTrip = new Histogram();
  readonly #ram: Ram = this.options.ram;
  readonly #clock: Clock = this.options.clock;
  readonly #source: Station = this.options.source;
  readonly #targets: readonly Station[] = this.options.targets;
  /** What the answers of each target look like. */
  readonly #shapes: readonly AnswerShape[] = this.options.targets.map(
    (server) => new AnswerShape({ ram: this.options.ram, server, asker: this.options.source }),
  );
  readonly #frameBytes: number = this.options.frameBytes;
  readonly #window: number = this.options.window;
  readonly #burst: number = this.options.burst;
  /** 0: closed loop. */
  readonly #intervalNs: number = intervalNs(this.options);
  readonly #frames: number = this.options.frames ?? Infinity;
  readonly #timeoutNs: number = this.options.timeoutNs ?? NS_PER_S;
  readonly #verify: 'header' | 'payload' = this.options.verify ?? 'header';
  readonly #measures: 0 | 1 = this.options.roundTrips === 'unmeasured' ? 0 : 1;
  readonly #framesAt: number = this.options.ram.takeStaging(this.options.window * WIRE_BYTES_MAX);
  /** When the frame of each slot was sent, {@link NOT_IN_FLIGHT} for one that waits. */
  readonly #sentAt: number = this.options.ram.takeStaging(this.options.window * 8);
  readonly #sentAtNs: Float64Array = new Float64Array(
    this.options.ram.u8.buffer,
    this.#sentAt,
    this.options.window,
  ).fill(NOT_IN_FLIGHT);
  readonly #freeAt: number = this.options.ram.takeStaging(this.options.window * 4);
  readonly #free: SlotQueue = new SlotQueue(
    new Int32Array(this.options.ram.u8.buffer, this.#freeAt, this.options.window),
  );
  readonly #shapesAt: number = this.options.ram.takeStaging(
    this.options.targets.length * SHAPE_WORDS * 4,
  );
  readonly #i32: Int32Array = this.options.ram.i32;
  readonly #loop: AnswerLoop | undefined = makeLoop(this.options);
  readonly #arpReplies: FrameSlots = new FrameSlots(this.options.ram, ARP_SLOTS);
  readonly #nextBurst: ClockEvent = { fire: (nowNs) => this.#sendBurst(nowNs) };
  readonly #giveUp: ClockEvent = { fire: (nowNs) => this.#collectLost(nowNs) };
  #end: EthernetEnd | undefined;
  #running: 0 | 1 = 0;
  /** Frames of the free slots that the NIC may take now. */
  #released = 0;
  /** Frames that were released since power-on. */
  #releasedTotal = 0;
  #inFlightCount = 0;
  /** The event that gives up on old datagrams is scheduled. */
  #watching: 0 | 1 = 0;
  #burstAtNs = 0;

  constructor(options: GeneratorOptions) {
    super(options);
    const { window, frameBytes, burst } = options;
    assert(options.targets.length > 0, 'there is somebody to send to');
    assert(frameBytes >= GENERATOR_FRAME_BYTES_MIN, 'a frame holds headers and mark');
    assert(frameBytes <= FRAME_BYTES_MAX, 'a frame is at most 1514 bytes');
    assert(burst >= 1 && burst <= window, 'a burst fits into the window');
    for (const [index, shape] of this.#shapes.entries()) {
      shape.write((this.#shapesAt >>> 2) + index * SHAPE_WORDS);
    }
    this.#buildFrames(options.random);
  }

  /** Begins to send. */
  start(): void {
    this.#running = 1;
    if (this.#intervalNs === 0) {
      this.#release();
    } else {
      this.#burstAtNs = this.#clock.now();
      this.#clock.schedule(this.#nextBurst, this.#burstAtNs);
    }
  }

  /** Sends no more; what is in flight is still waited for. */
  stop(): void {
    this.#running = 0;
    this.#released = 0;
    this.#clock.cancel(this.#nextBurst);
  }

  /** It has stopped, or sent all of its frames, and nothing is in flight. */
  get over(): boolean {
    const sending = this.#running === 1 && this.#releasedTotal < this.#frames;
    return !sending && this.#released === 0 && this.#inFlightCount === 0;
  }

  /** Forgets what was measured so far, but not what is in flight: for the end of a warm-up. */
  clearMeasurements(): void {
    this.roundTrip.clear();
    for (const name of Object.keys(this.counters) as (keyof GeneratorCounters)[]) {
      this.counters[name] = 0;
    }
  }

  // The wire, as the NIC sees it.

  attach(end: EthernetEnd): void {
    assert(this.#end === undefined, 'one NIC at a time');
    this.#end = end;
    if (this.nextLength() > 0) end.frameArrived();
  }

  linkUp(): boolean {
    return true;
  }

  nextLength(): number {
    if (!this.#arpReplies.isEmpty) return this.#arpReplies.headLength();
    return this.#released > 0 ? this.#frameBytes : 0;
  }

  copyNext(from: number, to: number, lengthBytes: number): void {
    const at = this.#arpReplies.isEmpty
      ? this.#slotAt(this.#free.first())
      : this.#arpReplies.headAt();
    this.#ram.copy(to, at + from, lengthBytes);
  }

  takeNext(): void {
    if (!this.#arpReplies.isEmpty) {
      this.#arpReplies.remove();
      return;
    }
    this.takeListed(1);
  }

  takeListed(count: number): void {
    const nowNs = this.#clock.now();
    const free = this.#free;
    const sentAtNs = this.#sentAtNs;
    for (let index = 0; index < count; index += 1) sentAtNs[free.at(index)] = nowNs;
    free.drop(count);
    this.#released -= count;
    this.counters.sent += count;
    this.#inFlightCount += count;
    if (this.#watching === 1) return;
    this.#watching = 1;
    this.#clock.schedule(this.#giveUp, nowNs + this.#timeoutNs);
  }

  listWaiting(listAt: number, most: number, bytesMax: number): number {
    if (!this.#arpReplies.isEmpty || this.#frameBytes > bytesMax) return 0;
    const listed = this.#released < most ? this.#released : most;
    const i32 = this.#i32;
    let word = listAt >>> 2;
    for (let index = 0; index < listed; index += 1) {
      i32[word] = this.#slotAt(this.#free.at(index));
      i32[(word + 1) | 0] = this.#frameBytes;
      word = (word + 2) | 0;
    }
    return listed;
  }

  dropNext(): void {
    if (!this.#arpReplies.isEmpty) {
      this.#arpReplies.remove();
      return;
    }
    this.#released -= 1;
    this.counters.sent += 1;
    this.counters.dropped += 1;
    this.#free.add(this.#free.take());
    this.#release();
  }

  transmit(at: number, lengthBytes: number): void {
    const slot = this.#slotOfAnswer(at, lengthBytes);
    if (slot < 0) return;
    const sentAtNs = this.#sentAtNs[slot] as number;
    if (sentAtNs === NOT_IN_FLIGHT) {
      this.counters.unexpected += 1;
      return;
    }
    this.counters.answered += 1;
    if (this.#measures === 1) this.roundTrip.add(this.#clock.now() - sentAtNs);
    this.#land(slot);
    this.#release();
  }

  transmitListed(listAt: number, count: number): number {
    const loop = this.#loop;
    if (loop === undefined) return 0;
    const answered = loop.run(
      listAt,
      count,
      this.#frameBytes,
      this.#shapesAt,
      this.#shapes.length,
      this.#sentAt,
      this.#window,
      this.#freeAt,
      this.#free.tail,
    );
    if (answered === 0) return 0;
    this.counters.answered += answered;
    if (this.#measures === 1) this.#measureListed(listAt, answered);
    this.#free.added(answered);
    this.#landed(answered);
    this.#release();
    return answered;
  }

  #measureListed(listAt: number, answered: number): void {
    const nowNs = this.#clock.now();
    const { view } = this.#ram;
    for (let index = 0; index < answered; index += 1) {
      this.roundTrip.add(nowNs - view.getFloat64(listAt + 8 * index, true));
    }
  }

  dropTransmit(): void {
    // Its time-out counts it.
  }

  // Sending.

  #buildFrames(random: Random): void {
    const { u8, view } = this.#ram;
    for (let slot = 0; slot < this.#window; slot++) {
      const at = this.#slotAt(slot);
      for (let i = PAYLOAD_AT + GENERATOR_MARK_BYTES; i < this.#frameBytes; i++) {
        u8[at + i] = random.below(256);
      }
      view.setUint32(at + PAYLOAD_AT, MAGIC);
      view.setUint32(at + PAYLOAD_AT + 4, slot);
      const flow = { from: this.#source, to: this.#targetOf(slot), identification: slot };
      writeUdpFrame(this.#ram, at, flow, this.#frameBytes);
      this.#free.add(slot);
    }
  }

  #slotAt(slot: number): number {
    return this.#framesAt + (slot << SLOT_SHIFT);
  }

  #targetOf(slot: number): Station {
    return this.#targets[slot % this.#targets.length] as Station;
  }

  /** Closed loop: releases bursts as long as whole ones fit into the window. */
  #release(): void {
    if (this.#running === 0 || this.#intervalNs !== 0) return;
    while (this.#free.count - this.#released >= this.#burst) {
      if (this.#releaseFrames(this.#burst) === 0) return;
    }
  }

  /** Open loop. */
  #sendBurst(nowNs: number): void {
    // Under the host clock a turn may come late: then the bursts that are due by now go out
    // together.
    while (this.#burstAtNs <= nowNs) {
      const room = Math.min(this.#burst, this.#free.count - this.#released);
      this.#releaseFrames(room);
      this.counters.skipped += this.#burst - room;
      this.#burstAtNs += this.#intervalNs;
    }
    if (this.#releasedTotal < this.#frames) {
      this.#clock.schedule(this.#nextBurst, this.#burstAtNs);
    }
  }

  /** @returns how many were released */
  #releaseFrames(wanted: number): number {
    const count = Math.min(wanted, this.#frames - this.#releasedTotal);
    if (count <= 0) return 0;
    this.#released += count;
    this.#releasedTotal += count;
    this.#end?.frameArrived();
    return count;
  }

  // Answers.

  /** @returns the slot of a good answer, -1 for anything else, which is dealt with */
  #slotOfAnswer(at: number, lengthBytes: number): number {
    if (this.#verify === 'payload' || lengthBytes !== this.#frameBytes || (at & 3) !== 0) {
      return this.#slotByFields(at, lengthBytes);
    }
    const word = at >> 2;
    const slot = this.#slotIn(word);
    // A number above 2^31 is negative here.
    if (slot < 0 || slot >= this.#window) return this.#slotByFields(at, lengthBytes);
    const target = this.#shapes.length === 1 ? 0 : slot % this.#shapes.length;
    const isAnswer = (this.#shapes[target] as AnswerShape).matches(word);
    return isAnswer ? slot : this.#slotByFields(at, lengthBytes);
  }

  /** The slot's number, big-endian, in the middle of two words. */
  #slotIn(word: number): number {
    const { i32 } = this.#ram;
    const upper = i32[word + SLOT_WORD] as number;
    const lower = i32[word + SLOT_WORD + 1] as number;
    return (
      (((upper >>> 16) & 0xff) << 24) |
      ((upper >>> 24) << 16) |
      ((lower & 0xff) << 8) |
      ((lower >>> 8) & 0xff)
    );
  }

  #slotByFields(at: number, lengthBytes: number): number {
    const { view } = this.#ram;
    if (lengthBytes >= ANSWER_BYTES_MIN && view.getUint32(at + PAYLOAD_AT) === MAGIC) {
      const slot = view.getUint32(at + PAYLOAD_AT + 4);
      if (slot < this.#window) {
        const target = this.#targetOf(slot);
        if (isUdpBetween(view, at, lengthBytes, target, this.#source)) {
          if (this.#isWhole(at, lengthBytes, slot)) return slot;
          this.counters.corrupt += 1;
          return -1;
        }
      }
    }
    if (isArpRequestFor(view, at, lengthBytes, this.#source.ip)) this.#answerArp(at);
    else this.counters.other += 1;
    return -1;
  }

  #isWhole(at: number, lengthBytes: number, slot: number): boolean {
    if (lengthBytes !== this.#frameBytes) return false;
    if (this.#verify === 'header') return true;
    const { u8 } = this.#ram;
    const sentAt = this.#slotAt(slot);
    for (let i = PAYLOAD_AT; i < lengthBytes; i++) {
      if (u8[at + i] !== u8[sentAt + i]) return false;
    }
    return checksumsRight(this.#ram, at, lengthBytes);
  }

  #answerArp(requestAt: number): void {
    if (this.#arpReplies.isFull) {
      this.counters.other += 1;
      return;
    }
    writeArpReply(this.#ram, this.#arpReplies.tailAt(), requestAt, this.#source);
    this.#arpReplies.add(PADDED_FRAME_BYTES);
    this.counters.arpAnswered += 1;
    this.#end?.frameArrived();
  }

  #land(slot: number): void {
    this.#sentAtNs[slot] = NOT_IN_FLIGHT;
    this.#free.add(slot);
    this.#landed(1);
  }

  #landed(datagrams: number): void {
    this.#inFlightCount -= datagrams;
    if (this.#inFlightCount > 0 || !this.over) return;
    // Nothing is left to wait for: virtual time need not go on for our sake.
    this.#watching = 0;
    this.#clock.cancel(this.#giveUp);
  }

  #collectLost(nowNs: number): void {
    let oldestNs = Infinity;
    for (let slot = 0; slot < this.#window; slot++) {
      const sentAtNs = this.#sentAtNs[slot] as number;
      if (sentAtNs === NOT_IN_FLIGHT) continue;
      // The very sum that was scheduled: with fractions of a nanosecond, a difference may fall
      // short of it for ever.
      if (nowNs >= sentAtNs + this.#timeoutNs) {
        this.counters.lost += 1;
        this.#land(slot);
      } else if (sentAtNs < oldestNs) {
        oldestNs = sentAtNs;
      }
    }
    this.#watching = oldestNs < Infinity ? 1 : 0;
    if (this.#watching === 1) this.#clock.schedule(this.#giveUp, oldestNs + this.#timeoutNs);
    this.#release();
  }
}

/** Answers are looked into where nobody wants more than headers. */
function makeLoop({ ram, verify }: GeneratorOptions): AnswerLoop | undefined {
  if (ram.batches === 'steps' || verify === 'payload') return undefined;
  return new LazyLoop(ram, answerLoop, 'land');
}

function intervalNs({ burst, rate }: GeneratorOptions): number {
  return rate === undefined ? 0 : (burst * NS_PER_S) / rate;
}
