/**
 * The line to a debugger: heard and answered from the middle of whatever the engine does. A thread
 * of its own has the socket (`line-worker.mjs`).
 */

import type { ListenOptions } from 'node:net';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { StreamAddress } from '../net/socket-address.ts';
import { listenAt, type OwnPath } from '../own-path.ts';
import { explainSystemError, UserMistake } from '../problem.ts';

export interface DebugLineOptions {
  readonly address: StreamAddress;
  /** What to blame, such as `--gdb tcp:…`. */
  readonly where: string;
  /** Data of a packet that is acknowledged, at most. */
  readonly packetBytesMax: number;
  /** Called from the event loop: somebody who sleeps may look. */
  readonly onNews: () => void;
}

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
  readonly #ended: Promise<void>;
  readonly #ownPath: OwnPath | undefined;
  #heard: number;

  /**
   * Listens.
   *
   * @throws UserMistake when the address cannot be had
   */
  static async open(options: DebugLineOptions): Promise<DebugLine> {
    const { address, where, packetBytesMax, onNews } = options;
    const words = new Int32Array(new SharedArrayBuffer(4));
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL('./line-worker.mjs', import.meta.url), {
      workerData: { words, port: port2, packetBytesMax },
      transferList: [port2],
      execArgv: [],
    });
    worker.on('message', onNews);
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const listen = async (at: ListenOptions): Promise<number | undefined> => {
      port1.postMessage({ kind: 'listen', at });
      await new Promise((resolve) => worker.once('message', resolve));
      const answer = receiveMessageOnPort(port1)?.message as FromWorker | undefined;
      if (answer?.kind === 'listening') return answer.port;
      throw systemError(answer);
    };
    const close = async (): Promise<void> => void (await worker.terminate());
    try {
      const isPath = address.kind === 'unix';
      const listener = { listen: async (path: string) => void (await listen({ path })), close };
      const ownPath = isPath ? await listenAt(listener, address.path, where) : undefined;
      const port = isPath ? undefined : await listen({ host: address.host, port: address.port });
      worker.unref();
      return new DebugLine({ words, channel: port1, worker, ended, port, ownPath });
    } catch (error) {
      await close();
      throw error instanceof UserMistake ? error : explainSystemError(error, where);
    }
  }

  private constructor(made: {
    readonly words: Int32Array;
    readonly channel: MessagePort;
    readonly worker: Worker;
    readonly ended: Promise<void>;
    readonly port: number | undefined;
    readonly ownPath: OwnPath | undefined;
  }) {
    this.#words = made.words;
    this.#channel = made.channel;
    this.#worker = made.worker;
    this.#ended = made.ended;
    this.port = made.port;
    this.#ownPath = made.ownPath;
    this.#heard = 1; // that it listens
  }

  /**
   * Cheap: whether {@link take} has something. Asked at whatever happens in a run, and so by a
   * plain load, which may be a little late: an atomic one costs 50 ns.
   */
  get hasNews(): boolean {
    return this.#words[NEWS] !== this.#heard;
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

  /** Packets of the client that is there need no answer by themselves from now on. */
  acknowledgeNoMore(): void {
    this.#channel.postMessage({ kind: 'acknowledge no more' });
  }

  /** Ends the connection, not the line. */
  drop(): void {
    this.#channel.postMessage({ kind: 'drop' });
  }

  async close(): Promise<void> {
    this.#worker.ref();
    this.#channel.postMessage({ kind: 'close' });
    await this.#ended;
    this.#ownPath?.release();
  }
}

/** What the other thread was told when it wanted to listen. */
function systemError(answer: FromWorker | undefined): Error {
  const { code, message } = answer?.kind === 'failed' ? answer : { message: 'cannot listen' };
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
