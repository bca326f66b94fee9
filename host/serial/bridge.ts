/**
 * What a bridge between the board's serial line and the host is, whatever it is made of, and what
 * bridges share.
 *
 *     UART ── SerialLine ── HostLine ── bridge ── terminal, pseudo-terminal, socket, file, serial port
 *
 * Output that the host does not take holds the line: the UART waits and nothing is lost. While
 * *nobody* is there to take it, the newest of it is kept for whoever comes ({@link KeptOutput}).
 */

/** One line about something a person should know; never called per character. */
export type NoticeListener = (line: string) => void;

export interface SerialBridge {
  /** What it is and how to reach it, in one line. */
  readonly description: string;
  /** Whether its input has an end and has reached it. */
  readonly inputOver: boolean;
  /**
   * Takes output off the line and offers again what had to wait. Called in every turn of the loop.
   */
  flush(): void;
  close(): Promise<void>;
  counters(): Record<string, number>;
}

const KEPT_BYTES_MAX = 65_536;

/**
 * Output that nobody was there to take: the newest 64 KiB; what is older is dropped and counted.
 */
export class KeptOutput {
  dropped = 0;
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(limitBytes: number = KEPT_BYTES_MAX) {
    this.#limit = limitBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Keeps bytes; they must not be changed afterwards. */
  put(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    while (this.#length > this.#limit) {
      const oldest = this.#pieces[0] as Uint8Array;
      const excess = Math.min(this.#length - this.#limit, oldest.length);
      if (excess === oldest.length) this.#pieces.shift();
      else this.#pieces[0] = oldest.subarray(excess);
      this.#length -= excess;
      this.dropped += excess;
    }
  }

  /** @returns everything, oldest first, and keeps nothing */
  take(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#length = 0;
    return pieces;
  }

  clear(): void {
    this.#pieces = [];
    this.#length = 0;
  }
}
