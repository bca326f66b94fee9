/**
 * A line at a time over the serial class: echoes what is typed, and keeps output until there is
 * room for it.
 */

import type { ProtectionDomain } from '../../microkit/pd.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { SerialConsumer, SerialProducer } from '../../queues/serial/queue.ts';

const BACKSPACE = 8;
const DELETE = 127;
const ENTER = 13;
const NEWLINE = 10;
const LINE_MAX = 512;
/** Output that waits for room; what comes beyond it is dropped and counted. */
const PENDING_MAX = 1 << 20;

export class LineConsole {
  /** Bytes of output that were dropped. */
  dropped = 0;
  readonly #pd: ProtectionDomain<unknown>;
  readonly #config: SerialClientConfig;
  readonly #tx: SerialProducer;
  readonly #rx: SerialConsumer | undefined;
  readonly #onLine: (line: string) => void;
  readonly #pending: number[] = [];
  #line = '';

  constructor(
    pd: ProtectionDomain<unknown>,
    config: SerialClientConfig,
    onLine: (line: string) => void,
  ) {
    const { tx, rx } = config;
    this.#pd = pd;
    this.#config = config;
    this.#onLine = onLine;
    this.#tx = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
    if (rx !== undefined) {
      this.#rx = new SerialConsumer(pd.region(rx.queue), pd.readonlyRegion(rx.data), rx.capacity);
    }
  }

  print(text: string): void {
    for (const character of text) {
      if (character === '\n') this.#put(ENTER);
      this.#put(character.charCodeAt(0) & 0xff);
    }
    this.#send();
  }

  /** @returns whether the channel was one of the console's */
  notified(channel: number): boolean {
    const { tx, rx } = this.#config;
    if (channel !== tx.channel && channel !== rx?.channel) return false;
    this.#receive();
    this.#send();
    return true;
  }

  #receive(): void {
    const rx = this.#rx;
    if (rx === undefined) return;
    for (let left = rx.length(); left > 0; left -= 1) this.#typed(rx.dequeue());
    if (rx.publish() && this.#config.rx !== undefined) this.#pd.notify(this.#config.rx.channel);
  }

  #typed(byte: number): void {
    if (byte === ENTER || byte === NEWLINE) {
      const line = this.#line;
      this.#line = '';
      this.print('\n');
      this.#onLine(line);
    } else if (byte === BACKSPACE || byte === DELETE) {
      if (this.#line !== '') this.print('\b \b');
      this.#line = this.#line.slice(0, -1);
    } else if (byte >= 0x20 && this.#line.length < LINE_MAX) {
      this.#line += String.fromCharCode(byte);
      this.print(String.fromCharCode(byte));
    }
  }

  #put(byte: number): void {
    if (this.#pending.length < PENDING_MAX) this.#pending.push(byte);
    else this.dropped += 1;
  }

  #send(): void {
    do {
      let sent = 0;
      while (sent < this.#pending.length && this.#tx.enqueue(this.#pending[sent] as number)) {
        sent += 1;
      }
      this.#pending.splice(0, sent);
      if (this.#pending.length === 0) break;
      // Asked first, then looked again: room that came in between would otherwise go unnoticed.
      this.#tx.requestSignal();
    } while (this.#tx.room() > 0);
    if (this.#tx.publish()) this.#pd.notify(this.#config.tx.channel);
  }
}
