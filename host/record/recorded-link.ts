/**
 * An Ethernet link as bridges have it while what they do to it is recorded. It outlives worlds:
 * each has a link of its own behind it.
 */

import type { FarEnd, StagedLink } from '../../board/links/staged-link.ts';
import type { BoardPort } from '../net/bridge.ts';
import type { OutsideRecord } from './outside-record.ts';

/** What a bridge, and whoever drives it, may do to a link. */
export type FarLink = BoardPort & Pick<StagedLink, 'drain' | 'waiting'>;

const NOTHING = new Uint8Array(0);
const NOBODY: FarEnd = { transmit: () => undefined };

export class RecordedLink implements FarLink {
  readonly #record: OutsideRecord;
  readonly #offered: number;
  readonly #drained: number;
  #link: StagedLink;

  constructor(record: OutsideRecord, link: StagedLink) {
    this.#record = record;
    this.#link = link;
    // What was taken then is taken again, unless the user has changed the world meanwhile.
    this.#offered = record.register((frame) => this.#link.offer(frame));
    this.#drained = record.register(() => this.#link.drain(NOBODY));
  }

  /** Of a world that is made anew. */
  renew(link: StagedLink): void {
    this.#link = link;
  }

  get mtu(): number {
    return this.#link.mtu;
  }

  offer(frame: Uint8Array): 'ok' | 'full' {
    if (this.#record.isReplaying) return 'full';
    const answer = this.#link.offer(frame);
    if (answer === 'ok') this.#record.note(this.#offered, frame);
    return answer;
  }

  roomLeft(): number {
    return this.#record.isReplaying ? 0 : this.#link.roomLeft();
  }

  get waiting(): number {
    return this.#record.isReplaying ? 0 : this.#link.waiting;
  }

  drain(to: FarEnd): number {
    if (this.#record.isReplaying) return 0;
    const count = this.#link.drain(to);
    this.#record.note(this.#drained, NOTHING);
    return count;
  }
}
