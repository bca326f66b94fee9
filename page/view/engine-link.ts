/** The page's end of an engine: a worker of the page, or a run of `sddf` behind a WebSocket. */

import { after, every, nowMs } from '../clock.ts';
import type { Answer, Request } from '../engine/protocol.ts';
import { readAnswer } from '../share/read-answer.ts';
import { requestText } from '../share/request-text.ts';
import { startEngine } from './engine-worker.ts';

export interface EngineLink {
  readonly kind: 'worker' | 'live';
  send(request: Request): void;
  close(): void;
}

export interface EngineListener {
  answered(answer: Answer): void;
  /** The engine has said what none of ours says: a program has changed it. It is left out. */
  misheard(): void;
  /** The engine does not answer any more: it is busy without end, or it is gone. */
  lost(loss: Loss): void;
}

/** How an engine was lost. */
export type Loss =
  /** It was ended: for long it has said nothing, though it owes something. */
  | { readonly kind: 'silent' }
  /** It has ended by itself: its memory is at an end, or it could not be loaded. */
  | { readonly kind: 'gone'; readonly why: string };

/**
 * So long an engine that is busy may say nothing. It tells how far it is every quarter second; but
 * a tested world is judged in one go.
 */
const SILENCE_MS = { own: 8000, ready: 20_000, starting: 60_000 };
const LOOK_MS = 1000;
/** So late a look comes after a machine has slept, and no engine is to blame. */
const ASLEEP_MS = 5000;

export class WorkerLink implements EngineLink {
  readonly kind = 'worker';
  readonly #worker: Worker;
  readonly #listener: EngineListener;
  readonly #looks: { cancel(): void };
  /** Requests that it has not seen to. */
  #owed = 0;
  #isPlaying = false;
  #silenceMs = SILENCE_MS.ready;
  /** Its script has been loaded: before that, it is the network that takes its time. */
  #hasStarted = false;
  #heardMs = nowMs();
  #lookedMs = nowMs();

  constructor(listener: EngineListener) {
    this.#listener = listener;
    this.#worker = startEngine();
    this.#worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#hear(data));
    this.#worker.addEventListener('error', (event) => {
      this.#end({ kind: 'gone', why: event.message || 'its script cannot be loaded' });
    });
    this.#looks = every(LOOK_MS, () => this.#look());
  }

  send(request: Request): void {
    if (this.#owed === 0 && !this.#isPlaying) this.#heardMs = nowMs();
    this.#owed += 1;
    if (request.kind === 'load') {
      const { own, net } = request.scenario;
      this.#silenceMs = own === undefined || net === 'test' ? SILENCE_MS.ready : SILENCE_MS.own;
    }
    this.#worker.postMessage(request);
  }

  close(): void {
    this.#looks.cancel();
    this.#worker.terminate();
  }

  #hear(data: unknown): void {
    const answer = readAnswer(data);
    if (answer === undefined) {
      this.#listener.misheard();
      return;
    }
    // A loop without an end may print: that is no sign of life.
    if (answer.kind !== 'log') this.#heardMs = nowMs();
    this.#hasStarted = true;
    if (answer.kind === 'done') this.#owed -= 1;
    if (answer.kind === 'view') this.#isPlaying = answer.playing;
    this.#listener.answered(answer);
  }

  #look(): void {
    const ms = nowMs();
    if (ms - this.#lookedMs > ASLEEP_MS) this.#heardMs = ms;
    this.#lookedMs = ms;
    const isBusy = this.#owed > 0 || this.#isPlaying;
    const limitMs = this.#hasStarted ? this.#silenceMs : SILENCE_MS.starting;
    if (isBusy && ms - this.#heardMs > limitMs) this.#end({ kind: 'silent' });
  }

  #end(loss: Loss): void {
    this.close();
    this.#listener.lost(loss);
  }
}

const NEXT_TRY_MS = 1000;

export class LiveLink implements EngineLink {
  readonly kind = 'live';
  #socket: WebSocket;
  readonly #listener: EngineListener;
  readonly #url: string;
  #isClosed = false;

  /** @param url `ws://…` with the run's token */
  constructor(url: string, listener: EngineListener) {
    this.#url = url;
    this.#listener = listener;
    this.#socket = this.#open();
  }

  /** Only what a run listens to: who sends anything else is sent away. */
  send(request: Request): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(requestText(request));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
  }

  #open(): WebSocket {
    const socket = new WebSocket(this.#url);
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const answer = readAnswer(revived(JSON.parse(data)));
      if (answer === undefined) this.#listener.misheard();
      else this.#listener.answered(answer);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#isClosed) return;
      const isOver = code === 1000 || code === 1008;
      const why = reason === '' ? 'the run has ended, or is not there' : reason;
      this.#listener.lost({ kind: 'gone', why });
      if (!isOver) after(NEXT_TRY_MS, () => (this.#socket = this.#open()));
    });
    return socket;
  }
}

/** Bytes come as lists of numbers. */
function revived(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  if ('listing' in answer) return { ...answer, listing: revived(answer.listing) };
  if (!('bytes' in answer) || !Array.isArray(answer.bytes)) return answer;
  return { ...answer, bytes: Uint8Array.from(answer.bytes as readonly number[]) };
}
