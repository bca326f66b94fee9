/**
 * Has a session's time pass: takes requests one after the other, and plays in between, in short
 * turns so that requests are heard.
 */

import { thrownText } from '../../memory/thrown-text.ts';
import type { FindSystem } from './found-system.ts';
import type { Answer, Request } from './protocol.ts';
import { Session } from './session.ts';

/** One turn of playing: shorter than a frame of the screen. */
const TURN_MS = 12;
const PAUSE_MS = 4;
const PROGRESS_MS = 250;
/** Figures change so often while time passes, and pictures with each turn: nobody reads faster. */
const VIEW_MS = 100;
const NS_PER_MS = 1e6;
/** Who comes back to a tab does not want to see what was missed. */
const BEHIND_MS_MAX = 100;

/** The host's time: a browser's, or Node's. */
export interface PlayerTime {
  readonly nowMs: () => number;
  readonly after: (milliseconds: number, action: () => void) => void;
}

export class Player {
  readonly #tell: (answer: Answer) => void;
  readonly #time: PlayerTime;
  readonly #session: Session;
  /** Requests in their order: one at a time, and others have their turn in between. */
  readonly #queue: Request[] = [];
  #isBusy = false;
  #isTurning = false;
  #playedUntilMs = 0;
  #viewedMs = -Infinity;
  /** When it was last said how far it is. */
  #saidMs = 0;

  constructor(tell: (answer: Answer) => void, time: PlayerTime, find?: FindSystem) {
    this.#tell = tell;
    this.#time = time;
    this.#session = new Session((answer) => this.#tellInTime(answer), find);
  }

  /** Requests that are not begun yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  ask(request: Request): void {
    this.#queue.push(request);
    void this.#work();
  }

  async #work(): Promise<void> {
    const [request] = this.#queue;
    if (this.#isBusy || request === undefined) return;
    this.#queue.shift();
    this.#isBusy = true;
    try {
      await this.#session.ask(request);
    } catch (error) {
      this.#fail(error);
    }
    this.#isBusy = false;
    this.#tell({ kind: 'done' });
    const isGoing = this.#session.isPlaying || this.#session.isHunting;
    if (isGoing && !this.#isTurning) this.#begin();
    if (this.#queue.length > 0) this.#time.after(0, () => void this.#work());
  }

  /** How far it is on its way is said now and then: enough to see that it goes on. */
  #tellInTime(answer: Answer): void {
    if (answer.kind === 'on its way') {
      const ms = this.#time.nowMs();
      if (ms - this.#saidMs < PROGRESS_MS) return;
      this.#saidMs = ms;
    }
    this.#tell(answer);
  }

  #begin(): void {
    this.#isTurning = true;
    this.#playedUntilMs = this.#time.nowMs();
    this.#viewedMs = -Infinity;
    this.#time.after(0, () => this.#turn());
  }

  #turn(): void {
    const { isHunting, isPlaying } = this.#session;
    try {
      if (isHunting) this.#session.huntOn();
      else if (isPlaying) this.#play();
    } catch (error) {
      this.#fail(error);
    }
    this.#isTurning = isHunting || isPlaying;
    if (this.#isTurning) this.#time.after(isHunting ? 0 : PAUSE_MS, () => this.#turn());
  }

  #play(): void {
    const session = this.#session;
    const { nowMs } = this.#time;
    const startMs = nowMs();
    this.#playedUntilMs = Math.max(this.#playedUntilMs, startMs - BEHIND_MS_MAX);
    const behindMs = startMs - this.#playedUntilMs;
    const beforeNs = session.nowNs;
    const { speed } = session;
    const isView = startMs - this.#viewedMs >= VIEW_MS;
    if (isView) this.#viewedMs = startMs;
    const isTime = (): boolean => nowMs() - startMs > TURN_MS;
    session.advance(behindMs * speed * NS_PER_MS, isTime, isView ? 'view' : 'pulse');
    this.#playedUntilMs += (session.nowNs - beforeNs) / (speed * NS_PER_MS);
  }

  #fail(error: unknown): void {
    this.#tell({ kind: 'failed', text: thrownText(error) });
    // What has failed is not gone on with.
    for (const kind of ['stop hunt', 'pause'] as const) {
      void this.#session.ask({ kind }).catch(() => undefined);
    }
  }
}
