/**
 * The serial line on a pseudo-terminal: other programs open its slave as they would a serial port.
 *
 * While nobody has the slave open, output is kept for whoever comes. Somebody coming is noticed by
 * looking every few milliseconds and in every turn (a master cannot be told); somebody leaving, by
 * the end of the stream.
 *
 * Node's terminal stream is used for reading only: on a master it writes blocking, and a program
 * that reads slowly would stop the whole board. Output is written here, as much as fits; a thread
 * waits for room when there is none.
 */

import { ReadStream } from 'node:tty';
import { every } from '../event-loop.ts';
import type { HostTimer } from '../event-loop.ts';
import { linkTo } from '../own-path.ts';
import type { OwnPath } from '../own-path.ts';
import { KeptOutput } from './bridge.ts';
import type { SerialBridge } from './bridge.ts';
import type { HostLine } from './host-line.ts';
import { loadPtyCalls } from './libc.ts';
import type { PtyCalls } from './libc.ts';
import { offerFrom } from './stream-pump.ts';

const LOOK_EVERY_MS = 10;
const PIECE_BYTES_MAX = 65_536;

export interface PtyBridgeOptions {
  readonly host: HostLine;
  /** A symbolic link to the slave, made now and removed at the end. */
  readonly link?: string;
}

export class PtyBridge implements SerialBridge {
  readonly inputOver = false;
  readonly slavePath: string;
  readonly #host: HostLine;
  readonly #calls: PtyCalls;
  readonly #master: number;
  readonly #link: string | undefined;
  #ownLink: OwnPath | undefined;
  readonly #kept = new KeptOutput();
  /** Output on its way: what did not fit into the pseudo-terminal's buffer yet. */
  #unwritten: Uint8Array[] = [];
  #waiting: Promise<void> | undefined;
  readonly #timer: HostTimer;
  #stream: ReadStream | undefined;
  #attachments = 0;

  private constructor(calls: PtyCalls, options: PtyBridgeOptions) {
    const { master, slavePath } = calls.open();
    this.#calls = calls;
    this.#host = options.host;
    this.#master = master;
    this.slavePath = slavePath;
    this.#link = options.link;
    this.#host.listen({ roomForInput: () => this.#stream?.resume() });
    this.#timer = every(LOOK_EVERY_MS, () => this.#look());
  }

  /** @throws UserMistake when there are no pseudo-terminals, or the link cannot be made */
  static async open(options: PtyBridgeOptions): Promise<PtyBridge> {
    const calls = await loadPtyCalls();
    const bridge = new PtyBridge(calls, options);
    try {
      const { link } = options;
      if (link !== undefined) {
        bridge.#ownLink = linkTo(link, bridge.slavePath, `--serial pty,link=${link}`);
      }
    } catch (error) {
      await bridge.close();
      throw error;
    }
    return bridge;
  }

  /** Whether some program has the slave open, as far as has been noticed. */
  get attached(): 'yes' | 'no' {
    return this.#stream === undefined ? 'no' : 'yes';
  }

  get description(): string {
    const link = this.#link === undefined ? '' : ` (${this.#link})`;
    const path = this.#link ?? this.slavePath;
    return `serial: pty ${this.slavePath}${link}; try: socat -,raw,echo=0,escape=0x1d ${path}`;
  }

  flush(): void {
    this.#host.flush();
    this.#look();
    if (this.#stream === undefined) {
      this.#keep();
      return;
    }
    while (this.#waiting === undefined) {
      const bytes = this.#unwritten.shift() ?? this.#host.read(PIECE_BYTES_MAX);
      if (bytes === undefined) return;
      const written = this.#calls.write(this.#master, bytes);
      if (written === bytes.length) continue;
      this.#unwritten.unshift(bytes.subarray(written));
      this.#waitForRoom();
    }
  }

  #keep(): void {
    for (const bytes of this.#unwritten.splice(0)) this.#kept.put(bytes);
    for (;;) {
      const bytes = this.#host.read(PIECE_BYTES_MAX);
      if (bytes === undefined) return;
      this.#kept.put(bytes);
    }
  }

  #waitForRoom(): void {
    this.#waiting = this.#calls.waitForRoom(this.#master).then(() => {
      this.#waiting = undefined;
      this.#host.wake();
    });
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#stream?.destroy();
    this.#stream = undefined;
    this.#ownLink?.release();
    // A descriptor must not be closed, and perhaps used again, under a thread that waits on it.
    await this.#waiting;
    this.#calls.close(this.#master);
    this.#host.unplug();
  }

  counters(): Record<string, number> {
    const { dropped } = this.#kept;
    return { ...this.#host.counters(), keptDropped: dropped, attachments: this.#attachments };
  }

  #look(): void {
    if (this.#stream !== undefined || this.#calls.isAttached(this.#master) === 'no') return;
    this.#attachments += 1;
    // The stream closes its descriptor when the slave is closed; the master itself has to live on.
    const stream = new ReadStream(this.#calls.duplicate(this.#master));
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => offerFrom(this.#host, stream, bytes));
    // EIO is how Linux tells that the last program has closed the slave; 'close' follows.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#host.wake();
    });
    this.#unwritten.push(...this.#kept.take());
    this.#host.wake();
  }
}
