/**
 * The line to a client, in packets: sent again when the client asks, and counted when they are
 * none.
 */

import { hexOf, packetOf, PacketReader, type Received } from './packets.ts';

/** How bytes are heard and sent, from the middle of a run that stands still. */
export interface Line {
  readonly hasNews: boolean;
  take():
    | { readonly kind: 'connected' | 'gone' | 'refused' }
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    | undefined;
  wait(): void;
  send(text: string): void;
  /**
   * Packets whose sum is right are acknowledged by the line itself, until this is called for the
   * client that is there.
   */
  acknowledgeNoMore(): void;
  drop(): void;
}

export type Heard =
  | { readonly kind: 'connected' | 'gone' | 'refused' | 'stop' }
  | { readonly kind: 'packet'; readonly data: string }
  /** So much of what it sends is no packet that nothing is to be hoped for. */
  | { readonly kind: 'hopeless' };

/** Packets that are none, until a client is told to go. */
const SPOILT_MAX = 1000;
/** Of text for the user in a packet. */
const TEXT_BYTES_MAX = 2000;

export class ClientLine {
  readonly #line: Line;
  #reader = new PacketReader();
  /** What has come, and is not looked at yet. */
  #received: Received[] = [];
  #isAcknowledged = true;
  #spoilt = 0;
  #lastSent = '';

  constructor(line: Line) {
    this.#line = line;
  }

  /** Another client, or none. */
  renew(): void {
    this.#reader = new PacketReader();
    this.#received = [];
    this.#isAcknowledged = true;
    this.#spoilt = 0;
    this.#lastSent = '';
  }

  /** Cheap: whether {@link hear} may have something. */
  get hasNews(): boolean {
    return this.#line.hasNews || this.#received.length > 0;
  }

  /** Holds the thread until something has come, or for a while. */
  wait(): void {
    if (this.#received.length === 0) this.#line.wait();
  }

  /** @returns what has come next; undefined when nothing has */
  hear(): Heard | undefined {
    for (;;) {
      const received = this.#received.shift();
      if (received !== undefined) {
        const heard = this.#heard(received);
        if (heard !== undefined) return heard;
        continue;
      }
      const news = this.#line.take();
      if (news?.kind !== 'bytes') return news;
      this.#received.push(...this.#reader.read(news.bytes));
    }
  }

  send(data: string): void {
    this.#lastSent = packetOf(data);
    this.#line.send(this.#lastSent);
  }

  /** Text for the client's user. */
  say(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += TEXT_BYTES_MAX) {
      this.send(`O${hexOf(bytes.subarray(at, at + TEXT_BYTES_MAX))}`);
    }
  }

  /** From now on. */
  acknowledgeNoMore(): void {
    this.#isAcknowledged = false;
    this.#line.acknowledgeNoMore();
  }

  /** Something cannot be taken. @returns what is heard of it */
  spoil(): Heard | undefined {
    this.#spoilt += 1;
    if (this.#isAcknowledged) this.#line.send('-');
    return this.#spoilt < SPOILT_MAX ? undefined : { kind: 'hopeless' };
  }

  drop(): void {
    this.#line.drop();
  }

  /** @returns undefined for what is this line's own business */
  #heard(received: Received): Heard | undefined {
    switch (received.kind) {
      case 'stop':
        return { kind: 'stop' };
      case 'acknowledged':
        return undefined;
      case 'asked again':
        if (this.#lastSent !== '') this.#line.send(this.#lastSent);
        return undefined;
      case 'spoilt':
        return this.spoil();
      case 'packet':
        return received;
      default:
        return received satisfies never;
    }
  }
}
