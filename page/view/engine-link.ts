/** The page's end of an engine: a worker of the page, or a run of `sddf` behind a WebSocket. */

import { after, every, nowMs } from '../clock.ts';
import type { Answer, Request } from '../engine/protocol.ts';
import { requestText } from '../share/request-text.ts';

export interface EngineLink {
  readonly kind: 'worker' | 'live';
  send(request: Request): void;
  close(): void;
}

export interface EngineListener {
  answered(answer: Answer): void;
  /** The engine does not answer any more: it is busy without end, or it is gone. */
  lost(why: string): void;
}

/** So long a worker may be busy with one request. */
const SILENCE_MS = 20_000;
const SILENT =
  'the engine has not answered for 20 s and was ended: what was asked for takes longer, or a ' +
  'program does not return. Choose a system to begin anew';
const LOOK_MS = 1000;

export class WorkerLink implements EngineLink {
  readonly kind = 'worker';
  readonly #worker: Worker;
  readonly #listener: EngineListener;
  readonly #looks: { cancel(): void };
  /** Since when it owes an answer. */
  #owesSinceMs: number | undefined;

  constructor(listener: EngineListener) {
    this.#listener = listener;
    this.#worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      this.#owesSinceMs = undefined;
      listener.answered(data);
    });
    this.#worker.addEventListener('error', (event) => this.#end(event.message));
    this.#looks = every(LOOK_MS, () => {
      const isSilent = this.#owesSinceMs !== undefined && nowMs() - this.#owesSinceMs > SILENCE_MS;
      if (isSilent) this.#end(SILENT);
    });
  }

  send(request: Request): void {
    this.#owesSinceMs ??= nowMs();
    this.#worker.postMessage(request);
  }

  close(): void {
    this.#looks.cancel();
    this.#worker.terminate();
  }

  #end(why: string): void {
    this.close();
    this.#listener.lost(why);
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
      this.#listener.answered(revived(JSON.parse(data)));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#isClosed) return;
      const isOver = code === 1000 || code === 1008;
      this.#listener.lost(reason === '' ? 'the run has ended, or is not there' : reason);
      if (!isOver) after(NEXT_TRY_MS, () => (this.#socket = this.#open()));
    });
    return socket;
  }
}

/** Bytes come as lists of numbers. */
function revived(answer: Answer): Answer {
  if (answer.kind === 'files' && answer.listing.kind === 'file') {
    const { listing } = answer;
    return { ...answer, listing: { ...listing, bytes: Uint8Array.from(listing.bytes) } };
  }
  if (answer.kind !== 'console' && answer.kind !== 'frame' && answer.kind !== 'blocks') {
    return answer;
  }
  return { ...answer, bytes: Uint8Array.from(answer.bytes) };
}
