/**
 * Finds children that run and do not answer any more. In each round all that are up are asked, by a
 * number in the epoch page and a signal; who has not repeated it when the next round comes hangs.
 *
 * Of several, it is the first of the supervisor's list: who stands behind it may only have been
 * kept from the processor by it, and has another round to answer in.
 */

import type { Region } from '../../memory/region.ts';
import { readSeenRound, writeRound } from '../../queues/restart/pages.ts';
import type { Child } from './child.ts';

export interface WatchParts {
  readonly hangNs: number;
  readonly epochs: Region;
  readonly children: readonly Child[];
  /** Signals a child that speaks the protocol. */
  readonly ask: (channel: number) => void;
}

export class Watch {
  readonly #parts: WatchParts;
  #round = 0;
  /** When the round ends, ns. */
  endsAtNs = 0;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Whether somebody who is up has not answered yet. */
  get isAwaited(): boolean {
    return this.#parts.children.some((child) => this.#isSilent(child));
  }

  /**
   * Ends the round when it is time, and begins the next.
   *
   * @returns a child that hangs; the next call finds no second one
   */
  turn(nowNs: number): Child | undefined {
    const { children, hangNs } = this.#parts;
    const late = children.find(
      ({ state, startedAtNs }) => state === 'starting' && nowNs >= startedAtNs + hangNs,
    );
    if (late !== undefined) return late;
    if (nowNs < this.endsAtNs) return undefined;
    const silent = children.find((child) => this.#isSilent(child));
    this.#ask(silent);
    this.endsAtNs = nowNs + hangNs;
    return silent;
  }

  #isSilent({ state, answers }: Child): boolean {
    return state === 'up' && answers !== undefined && readSeenRound(answers) !== this.#round;
  }

  #ask(but: Child | undefined): void {
    const { children, epochs, ask } = this.#parts;
    this.#round = (this.#round + 1) >>> 0;
    writeRound(epochs, this.#round);
    for (const child of children) {
      const { member } = child.config;
      if (member !== undefined && child.state === 'up' && child !== but) ask(member.channel);
    }
  }
}
