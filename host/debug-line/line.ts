/**
 * The line to a debugger: heard and answered from the middle of whatever the engine does. A thread
 * of its own has the socket (`line-worker.mjs`).
 */

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { StreamAddress } from '../net/socket-address.ts';
import { UserMistake } from '../problem.ts';

export type LineNews =
  | { readonly kind: 'connected' | 'gone' | 'refused' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

type FromWorker =
  | LineNews
  | { readonly kind: 'listening'; readonly port?: number }
  | { readonly kind: 'failed'; readonly code?: string; readonly message: string };

const NEWS = 0;
/** While it waits, whoever wants to end the run is asked this often. */
const LOOK_MS = 50;

export class DebugLine {
  /** Of a TCP line: where it listens. */
  readonly port: number | undefined;
  readonly #words: Int32Array;
  readonly #channel: MessagePort;
  readonly #worker: Worker;
  #heard = 0;

  /**
   * Listens.
   *
   * @param where what to blame, such as `--gdb tcp:…`
   * @param onNews called from the event loop: somebody who sleeps may look
   * @throws UserMistake when the address cannot be had
   */
  static async open(address: StreamAddress, where: string, onNews: () => void): Promise<DebugLine> {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL('./line-worker.mjs', import.meta.url), {
      workerData: { words, port: port2, address },
      transferList: [port2],
      execArgv: [],
    });
    worker.on('message', onNews);
    await new Promise((resolve) => worker.once('message', resolve));
    const first = receiveMessageOnPort(port1)?.message as FromWorker | undefined;
    if (first?.kind !== 'listening') {
      await worker.terminate();
      const why = first?.kind === 'failed' ? whyOf(first.code, first.message) : 'cannot listen';
      throw new UserMistake(`${where}: ${why}`);
    }
    worker.unref();
    return new DebugLine({ words, channel: port1, worker, port: first.port });
  }

  private constructor(made: {
    readonly words: Int32Array;
    readonly channel: MessagePort;
    readonly worker: Worker;
    readonly port: number | undefined;
  }) {
    this.#words = made.words;
    this.#channel = made.channel;
    this.#worker = made.worker;
    this.port = made.port;
    this.#heard = 1;
  }

  /** Cheap: whether {@link take} has something. */
  get hasNews(): boolean {
    return Atomics.load(this.#words, NEWS) !== this.#heard;
  }

  /** @returns the next thing that has come */
  take(): LineNews | undefined {
    if (!this.hasNews) return undefined;
    const received = receiveMessageOnPort(this.#channel) as { message: FromWorker } | undefined;
    if (received === undefined) return undefined;
    this.#heard = (this.#heard + 1) | 0;
    const { message } = received;
    return message.kind === 'listening' || message.kind === 'failed' ? undefined : message;
  }

  /** Holds the thread until something has come, or for a while. */
  wait(): void {
    if (!this.hasNews) Atomics.wait(this.#words, NEWS, this.#heard, LOOK_MS);
  }

  /** @param text a character a byte */
  send(text: string): void {
    this.#channel.postMessage({ kind: 'send', text });
  }

  /** Ends the connection, not the line. */
  drop(): void {
    this.#channel.postMessage({ kind: 'drop' });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.ref();
    this.#channel.postMessage({ kind: 'close' });
    await ended;
  }
}

function whyOf(code: string | undefined, message: string): string {
  if (code === 'EADDRINUSE') {
    return 'the address is already in use; end the program that has it, or choose another';
  }
  if (code === 'EACCES') return 'may not listen there; choose another address';
  if (code === 'ENOENT') return 'there is no such folder; make it first';
  return message;
}
