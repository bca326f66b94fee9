/**
 * Replays a capture onto the board's wire, each frame at its own time after the first. What a wire
 * would not carry (frames that are too short, too long, cut by a snap length, or not Ethernet) is
 * counted and dropped. A frame without a time has its neighbour's: that of the one before it, or,
 * at the beginning, behind it. A frame that finds the wire full comes as soon as there is room; it
 * and those behind it are counted as late.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import { Ingress } from './bridge.ts';
import type { BoardPort, Bridge, DropListener, NoticeListener } from './bridge.ts';
import { LINK_TYPE_ETHERNET } from './captured-frame.ts';
import type { CaptureReader, CapturedFrame } from './captured-frame.ts';

/** How long a frame that found the wire full waits before it is offered again. */
const AGAIN_NS = 10_000;

/** A wait that is told, and how many are. */
const TELL_WAIT_NS = 5e9;
const WAITS_TOLD_MAX = 5;

export interface CaptureReplayOptions {
  readonly reader: CaptureReader;
  /** What notices call the capture: its file name. */
  readonly name: string;
  readonly port: BoardPort;
  readonly clock: Clock;
  readonly onNotice: NoticeListener;
  readonly onDrop?: DropListener;
}

export class CaptureReplay implements Bridge, ClockEvent {
  readonly #options: CaptureReplayOptions;
  readonly #ingress: Ingress;
  #startedAt = 0;
  /** Of the first frame that has a time. */
  #firstTimeNs: bigint | undefined;
  #waitsTold = 0;
  #next: CapturedFrame | undefined;
  /** When the frame in `#next` is due, on the board's clock. */
  #nextAt = 0;
  #state: 'new' | 'replaying' | 'over' = 'new';
  readonly #count = {
    framesRead: 0,
    framesOut: 0,
    bytesOut: 0,
    framesLate: 0,
    cutDropped: 0,
    otherLinkDropped: 0,
  };

  constructor(options: CaptureReplayOptions) {
    this.#options = options;
    this.#ingress = new Ingress(options.port, options.onDrop);
  }

  /** The first frame is due now. */
  start(): void {
    this.#startedAt = this.#options.clock.now();
    this.#nextAt = this.#startedAt;
    this.#state = 'replaying';
    this.#next = this.#read();
    if (this.#next === undefined) return;
    this.#options.clock.schedule(this, this.#nextAt);
  }

  /** Whether every frame has been replayed. */
  get over(): boolean {
    return this.#state === 'over';
  }

  /**
   * What is wrong with the capture, as far as it has been read; what lies before is replayed all
   * the same.
   */
  get problem(): string | undefined {
    return this.#options.reader.problem;
  }

  /** The capture's next frames are due. */
  fire(nowNs: number): void {
    while (this.#next !== undefined && this.#nextAt <= nowNs) {
      if (this.#offer(this.#next) === 'full') {
        this.#options.clock.schedule(this, nowNs + AGAIN_NS);
        return;
      }
      if (this.#nextAt < nowNs) this.#count.framesLate += 1;
      this.#next = this.#read();
      if (this.#next === undefined) return;
    }
    this.#tellWait(this.#nextAt - nowNs);
    this.#options.clock.schedule(this, this.#nextAt);
  }

  #read(): CapturedFrame | undefined {
    const frame = this.#options.reader.next();
    if (frame !== undefined) {
      this.#count.framesRead += 1;
      if (frame.timeNs !== undefined) {
        this.#firstTimeNs ??= frame.timeNs;
        // Stamps that go back (several interfaces, a stepped clock) do not reorder frames.
        const dueAt = this.#startedAt + Number(frame.timeNs - this.#firstTimeNs);
        this.#nextAt = Math.max(this.#nextAt, dueAt);
      }
      return frame;
    }
    this.#state = 'over';
    const problem = this.#options.reader.problem;
    if (problem !== undefined) {
      const kept = `the ${String(this.#count.framesRead)} frames before it are used`;
      this.#options.onNotice(`${this.#options.name}: ${problem}; ${kept}`);
    }
    return undefined;
  }

  /** A person who watches should know that it goes on. */
  #tellWait(waitNs: number): void {
    if (waitNs < TELL_WAIT_NS || this.#waitsTold === WAITS_TOLD_MAX) return;
    this.#waitsTold += 1;
    const last = this.#waitsTold === WAITS_TOLD_MAX ? '; further waits are not told' : '';
    this.#options.onNotice(
      `${this.#options.name}: the next frame is due in ${seconds(waitNs)}${last}`,
    );
  }

  #offer(frame: CapturedFrame): 'over' | 'full' {
    if (frame.linkType !== LINK_TYPE_ETHERNET) this.#count.otherLinkDropped += 1;
    else if (frame.bytes.length < frame.originalLength) this.#count.cutDropped += 1;
    else if (this.#ingress.offer(frame.bytes) === 'full') return 'full';
    return 'over';
  }

  /** What the board sends goes nowhere: it is counted, and a capture may hold it. */
  transmit(frame: Uint8Array): void {
    this.#count.framesOut += 1;
    this.#count.bytesOut += frame.length;
  }

  flush(): void {
    // The clock drives this bridge.
  }

  close(): Promise<void> {
    const { clock, name, onNotice } = this.#options;
    clock.cancel(this);
    if (this.#state === 'replaying' && this.#next !== undefined) {
      const wait = Math.max(0, this.#nextAt - clock.now());
      const done = this.#count.framesRead - 1;
      onNotice(
        `${name}: frames are left behind the first ${done}; the next was due in ${seconds(wait)}`,
      );
    }
    return Promise.resolve();
  }

  counters(): Record<string, number> {
    return { ...this.#ingress.counters(), ...this.#count };
  }
}

function seconds(ns: number): string {
  return `${(ns / 1e9).toFixed(1)} s`;
}
