/**
 * The station at the NIC's cable that a person plays: 10.0.2.2. It sends what it is told, answers
 * who asks for its address, and keeps what comes. It works by the board's clock, so that the same
 * inputs give the same run.
 */

import type { Clock, ClockEvent } from '../../board/clock.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import type { Ram } from '../../memory/ram.ts';
import { arpAnswer } from './frames.ts';

/** What a host takes to see a frame. */
const LATENCY_NS = 10_000;
/** Nobody looks at more. */
const KEPT = 1000;

export interface ReceivedFrame {
  readonly timeNs: number;
  readonly bytes: Uint8Array;
}

export class HandStation {
  readonly link: StagedLink;
  #received: ReceivedFrame[] = [];
  readonly #look: ClockEvent = { fire: (nowNs) => this.#take(nowNs) };

  constructor(ram: Ram, clock: Clock) {
    this.link = new StagedLink({
      ram,
      onTransmit: () => clock.schedule(this.#look, clock.now() + LATENCY_NS),
    });
  }

  send(bytes: Uint8Array): void {
    this.link.offer(bytes);
  }

  /** @returns what has come since the last call */
  take(): readonly ReceivedFrame[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  #take(timeNs: number): void {
    this.link.drain({
      transmit: (frame) => {
        if (this.#received.length < KEPT) this.#received.push({ timeNs, bytes: frame.slice() });
        const answer = arpAnswer(frame);
        if (answer !== undefined) this.send(Uint8Array.from(answer));
      },
    });
  }
}
