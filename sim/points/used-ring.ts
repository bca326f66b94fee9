/**
 * The device's side of a virtqueue as a point of faults: a device that lies in its used ring, hands
 * chains back late, twice or out of order, writes into buffers that it no longer has, or looks at
 * the available ring only when it is told to.
 *
 * Source: virtio 1.2, section 2.7; the bugs of drivers that these faults are aimed at are in the
 * catalogue (docs/faults.md).
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import type { DeviceQueueOptions } from '../../board/virtio/device-queue-options.ts';
import { DeviceQueue, NO_CHAIN } from '../../board/virtio/device-queue.ts';
import { MMIO } from '../../board/virtio/mmio-registers.ts';
import type { VirtioMmio } from '../../board/virtio/mmio.ts';
import type { QueueLayout } from '../../board/virtio/split-ring.ts';
import type { Point } from './injector.ts';
import type { Strike } from './point.ts';

const HALF_MASK = 0xffff;
/**
 * Longest that a chain waits for another one to overtake it, or for an acknowledgement, and that a
 * used index stays back.
 */
const HELD_NS = 1_000_000;
const POISON = 0x5a;
const NEVER_WRITTEN = 0xa5;
const LATE_BYTES = 16;

interface Segment {
  readonly at: number;
  readonly lengthBytes: number;
}

/** What the device may write of a chain that it has, and what its last byte was. */
interface Taken {
  readonly writable: readonly Segment[];
  readonly lastByte: number;
  readonly descriptors: number;
  /** Nothing of it is to be read: it waits for what comes from outside, if anything does. */
  readonly receives: boolean;
}

interface HeldChain {
  readonly head: number;
  readonly writtenBytes: number;
  readonly until: 'time' | 'next' | 'acknowledgement';
  readonly event: ClockEvent;
}

export interface PlannedQueueParts {
  readonly point: Point;
  readonly clock: Clock;
  readonly transport: VirtioMmio;
}

export class PlannedQueue extends DeviceQueue {
  readonly #parts: PlannedQueueParts;
  readonly #taken = new Map<number, Taken>();
  #held: HeldChain[] = [];
  #layout: QueueLayout | undefined;
  /** Descriptors of receiving chains that are never handed back. */
  #kept = 0;
  #lastId = 0;
  /** Element of the used ring that is written next. */
  #used = 0;
  /** Chains taken so far, and those made available when the driver notified last. */
  #popped = 0;
  #limit = 0;
  #looks: 'always' | 'when kicked' = 'always';
  /** What the used index is wrong by at the next publication. */
  #indexError = 0;
  readonly #right: ClockEvent = { fire: () => this.#rightIndex() };

  constructor(options: DeviceQueueOptions, parts: PlannedQueueParts) {
    super(options);
    this.#parts = parts;
    parts.point.perform({
      begin: () => this.#lookWhenKicked(),
      end: () => this.#lookAlways(),
    });
  }

  override start(layout: QueueLayout): void {
    super.start(layout);
    this.#layout = layout;
    this.#used = this.#popped = this.#limit = this.options.startIndex ?? 0;
    this.#forget();
  }

  override stop(): void {
    super.stop();
    this.#forget();
  }

  override hasChain(): boolean {
    return !this.#isBeyondLimit() && super.hasChain();
  }

  override pop(): number {
    if (this.#isBeyondLimit()) return NO_CHAIN;
    const head = super.pop();
    if (head === NO_CHAIN) return head;
    const segments: Segment[] = [];
    for (let i = this.readable; i < this.segments; i += 1) {
      segments.push({ at: this.segmentAt(i), lengthBytes: this.segmentLength(i) });
    }
    this.#took(head, segments, { descriptors: this.segments, receives: this.readable === 0 });
    return head;
  }

  override popPair(): number {
    if (this.#isBeyondLimit()) return NO_CHAIN;
    const head = super.popPair();
    if (head === NO_CHAIN) return head;
    const { direction, firstAt, firstBytes, secondAt, secondBytes } = this.pair;
    const both = [
      { at: firstAt, lengthBytes: firstBytes },
      { at: secondAt, lengthBytes: secondBytes },
    ];
    this.#took(head, direction === 0 ? [] : both, { descriptors: 2, receives: direction !== 0 });
    return head;
  }

  override unpop(head: number): void {
    super.unpop(head);
    this.#popped = (this.#popped - 1) & HALF_MASK;
  }

  override push(head: number, writtenBytes: number): void {
    if (!this.running) return;
    const overtaken = this.#held.filter(({ until }) => until === 'next');
    this.#pushStruck(head, writtenBytes, this.#parts.point.next());
    for (const held of overtaken) this.#letGo(held);
  }

  override publish(): boolean {
    const wantsInterrupt = super.publish();
    if (this.#indexError !== 0 && this.#layout !== undefined && this.running) {
      const at = (this.#layout.usedAt >>> 1) + 1;
      const { u16 } = this.options.ram;
      u16[at] = ((u16[at] as number) + this.#indexError) & HALF_MASK;
      const { clock } = this.#parts;
      if (this.#indexError < 0) clock.schedule(this.#right, clock.now() + HELD_NS);
      this.#indexError = 0;
    }
    return wantsInterrupt;
  }

  override enableNotify(): boolean {
    const isThere = super.enableNotify();
    if (this.#looks === 'always') return isThere;
    this.#askForAllKicks();
    // A queue whose rules the driver has broken has nothing any more, however far the limit is.
    return isThere && !this.#isBeyondLimit();
  }

  override disableNotify(): void {
    if (this.#looks === 'always') super.disableNotify();
  }

  /** The driver notifies this queue. */
  kicked(): void {
    if (this.#looks === 'always' || !this.running) return;
    this.#limit = this.#available();
    this.#askForAllKicks();
  }

  /** The driver is about to acknowledge an interrupt. */
  acknowledgementComes(): void {
    for (const held of this.#held.filter(({ until }) => until === 'acknowledgement')) {
      this.#release(held);
    }
  }

  #took(
    head: number,
    segments: readonly Segment[],
    chain: Pick<Taken, 'descriptors' | 'receives'>,
  ): void {
    this.#popped = (this.#popped + 1) & HALF_MASK;
    const writable = segments.filter(({ at }) => at >= 0);
    const last = writable.at(-1);
    const lastAt = last === undefined ? 0 : last.at + last.lengthBytes - 1;
    const lastByte = this.options.ram.u8[lastAt] as number;
    this.#taken.set(head, { ...chain, writable, lastByte });
  }

  #pushStruck(head: number, writtenBytes: number, strike: Strike | undefined): void {
    const { by = 0, id = 0, kept = 0, status = 0 } = strike?.parameters ?? {};
    switch (strike?.fault) {
      case undefined:
        return this.#pushNow(head, writtenBytes);
      case 'over-report':
        return this.#pushNow(head, writtenBytes + by);
      case 'forge':
        return this.#pushForged(head, writtenBytes, id);
      case 'repeat':
        return this.#pushForged(head, writtenBytes, this.#lastId);
      case 'index-jump':
        this.#indexError = by;
        return this.#pushNow(head, writtenBytes);
      case 'index-back':
        this.#indexError = -by;
        return this.#pushNow(head, writtenBytes);
      case 'overtaken':
        return this.#hold(head, writtenBytes, 'next', HELD_NS);
      case 'hold':
        return this.#hold(head, writtenBytes, 'time', by);
      case 'in-window':
        return this.#hold(head, writtenBytes, 'acknowledgement', HELD_NS);
      case 'keep':
        return this.#keep(head, writtenBytes);
      case 'partial':
        this.#spoilFrom(head, kept);
        return this.#pushNow(head, writtenBytes);
      case 'late-write':
        this.#writeLater(head, by);
        return this.#pushNow(head, writtenBytes);
      case 'no-status':
        this.#setLastByte(head, this.#taken.get(head)?.lastByte ?? 0);
        return this.#pushNow(head, writtenBytes);
      case 'bad-status':
        this.#setLastByte(head, status);
        return this.#pushNow(head, writtenBytes);
    }
  }

  #pushNow(head: number, writtenBytes: number): void {
    super.push(head, writtenBytes);
    this.#used = (this.#used + 1) & HALF_MASK;
    this.#lastId = head;
  }

  #pushForged(head: number, writtenBytes: number, id: number): void {
    const layout = this.#layout;
    const slot = this.#used;
    this.#pushNow(head, writtenBytes);
    if (layout === undefined) return;
    const at32 = (layout.usedAt >>> 2) + 1 + 2 * (slot & (layout.size - 1));
    this.options.ram.u32[at32] = id;
  }

  /**
   * The last receiving chain of a queue is not kept: a device that has kept all of them looks like
   * one on a quiet line, so no driver could do anything about it.
   */
  #keep(head: number, writtenBytes: number): void {
    const { descriptors = 1, receives = false } = this.#taken.get(head) ?? {};
    if (!receives) return;
    if (this.#kept + 2 * descriptors > (this.#layout?.size ?? 0)) {
      this.#pushNow(head, writtenBytes);
    } else {
      this.#kept += descriptors;
    }
  }

  #hold(head: number, writtenBytes: number, until: HeldChain['until'], forNs: number): void {
    const event: ClockEvent = { fire: () => this.#release(held) };
    const held: HeldChain = { head, writtenBytes, until, event };
    this.#held.push(held);
    const { clock } = this.#parts;
    clock.schedule(event, clock.now() + forNs);
  }

  /** Hands a chain back that was held, with a batch and an interrupt of its own. */
  #release(held: HeldChain): void {
    this.#letGo(held);
    if (this.publish()) this.#parts.transport.interruptUsed();
  }

  #letGo(held: HeldChain): void {
    this.#parts.clock.cancel(held.event);
    this.#held = this.#held.filter((each) => each !== held);
    this.#pushNow(held.head, held.writtenBytes);
  }

  /**
   * An index that has gone back by a whole batch shows no lie, and when the device has handed
   * back every chain that it had, no other batch comes to right it: the two would wait for ever.
   */
  #rightIndex(): void {
    if (this.#layout === undefined || !this.running) return;
    const at = (this.#layout.usedAt >>> 1) + 1;
    const { u16 } = this.options.ram;
    if (u16[at] === this.#used) return;
    u16[at] = this.#used;
    this.#parts.transport.interruptUsed();
  }

  #forget(): void {
    this.#parts.clock.cancel(this.#right);
    for (const { event } of this.#held) this.#parts.clock.cancel(event);
    this.#held = [];
    this.#taken.clear();
    this.#kept = 0;
    this.#indexError = 0;
  }

  #spoilFrom(head: number, kept: number): void {
    let left = kept;
    for (const { at, lengthBytes } of this.#taken.get(head)?.writable ?? []) {
      const from = Math.min(left, lengthBytes);
      this.options.ram.fill(at + from, NEVER_WRITTEN, lengthBytes - from);
      left -= from;
    }
  }

  #writeLater(head: number, byNs: number): void {
    const segment = this.#taken.get(head)?.writable.at(-1);
    if (segment === undefined) return;
    const { clock } = this.#parts;
    const bytes = Math.min(LATE_BYTES, segment.lengthBytes);
    const event: ClockEvent = { fire: () => this.options.ram.fill(segment.at, POISON, bytes) };
    clock.schedule(event, clock.now() + byNs);
  }

  #setLastByte(head: number, value: number): void {
    const segment = this.#taken.get(head)?.writable.at(-1);
    if (segment === undefined) return;
    this.options.ram.u8[segment.at + segment.lengthBytes - 1] = value;
  }

  #isBeyondLimit(): boolean {
    return this.#looks === 'when kicked' && this.#popped === this.#limit;
  }

  /** The driver's index, which is believed only when the queue itself takes a chain. */
  #available(): number {
    if (this.#layout === undefined) return this.#popped;
    return this.options.ram.u16[(this.#layout.availAt >>> 1) + 1] as number;
  }

  #askForAllKicks(): void {
    const layout = this.#layout;
    if (layout === undefined || !this.running) return;
    const { u16 } = this.options.ram;
    if (layout.eventIdx === 'negotiated')
      u16[(layout.usedAt >>> 1) + 2 + 4 * layout.size] = this.#limit;
    else u16[layout.usedAt >>> 1] = 0;
  }

  #lookWhenKicked(): void {
    this.#looks = 'when kicked';
    // What is there now it has seen.
    this.#limit = this.running ? this.#available() : this.#popped;
    this.#askForAllKicks();
  }

  #lookAlways(): void {
    this.#looks = 'always';
    // What has been made available meanwhile without a notification: the device looks again, as if
    // it had been notified.
    const { transport } = this.#parts;
    if (this.running && transport.live) transport.write(MMIO.QueueNotify, this.index, 4);
  }
}
