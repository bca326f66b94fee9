/**
 * The engine's thread in the page: takes requests one after the other, and plays in between. An
 * engine that is too long in one request is ended by the page.
 */

import { after, nowMs } from '../clock.ts';
import type { Answer, Request } from './protocol.ts';
import { Session } from './session.ts';
import { thrownText } from '../../memory/thrown-text.ts';

/** One turn of playing: shorter than a frame of the screen, so that requests are heard. */
const TURN_MS = 12;
const PAUSE_MS = 4;
const NS_PER_MS = 1e6;
/** Who comes back to a tab does not want to see what was missed. */
const BEHIND_MS_MAX = 100;

interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(answer: Answer): void;
}

const scope = globalThis as unknown as WorkerScope;
const session = new Session((answer) => scope.postMessage(answer));
/** Requests in their order: one at a time. */
let queue: Promise<void> = Promise.resolve();
let isTurning = false;
let playedUntilMs = 0;

scope.onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      await session.ask(data);
    } catch (error) {
      fail(error);
    }
    if (session.isPlaying && !isTurning) begin();
  });
};

function begin(): void {
  isTurning = true;
  playedUntilMs = nowMs();
  after(0, turn);
}

function turn(): void {
  if (!session.isPlaying) {
    isTurning = false;
    return;
  }
  const startMs = nowMs();
  playedUntilMs = Math.max(playedUntilMs, startMs - BEHIND_MS_MAX);
  const behindMs = startMs - playedUntilMs;
  const beforeNs = session.nowNs;
  const { speed } = session;
  try {
    session.advance(behindMs * speed * NS_PER_MS, () => nowMs() - startMs > TURN_MS);
  } catch (error) {
    fail(error);
  }
  playedUntilMs += (session.nowNs - beforeNs) / (speed * NS_PER_MS);
  after(PAUSE_MS, turn);
}

function fail(error: unknown): void {
  const text = thrownText(error);
  scope.postMessage({ kind: 'failed', text });
  void session.ask({ kind: 'pause' }).catch(() => undefined);
}
