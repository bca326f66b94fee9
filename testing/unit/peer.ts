/**
 * A scripted peer: a protection domain whose program does what a test tells it to, on its own
 * thread, and keeps count of who has notified it. Its queues are looked at and written from outside
 * (`queue-view.ts`), as it writes nothing of its own accord.
 */

import type { IrqLine } from '../../board/device.ts';
import {
  type Channel,
  type EntryPoints,
  messageCount,
  messageInfo,
  type MessageInfo,
  messageLabel,
  type Program,
  type ProtectionDomain,
} from '../../microkit/pd.ts';

/** What the builder gives each peer beside the record of its role. */
interface DoorbellConfig {
  readonly doorbell: Channel;
}

export type PeerInit = (pd: ProtectionDomain) => void;

/** What a peer says to a call of the unit's. @returns the label of the answer */
export type PeerAnswer = (label: number, word: number) => number;

/** A call that the unit has made: its label and its first word. */
export interface PeerCall {
  readonly label: number;
  readonly word: number;
}

/** What a peer does of its own accord. */
export interface PeerManners {
  /** In its `init`, before the unit begins if it has the priority. */
  readonly begin?: PeerInit | undefined;
  /** Without it, it takes no calls. */
  readonly answer?: PeerAnswer | undefined;
}

export class Peer {
  readonly name: string;
  readonly #notified = new Map<Channel, number>();
  #tasks: ((pd: ProtectionDomain) => void)[] = [];
  readonly #manners: PeerManners;
  readonly #calls: PeerCall[] = [];
  #line: IrqLine | undefined;

  constructor(name: string, manners: PeerManners) {
    this.name = name;
    this.#manners = manners;
  }

  readonly program: Program<DoorbellConfig> = (pd): EntryPoints => {
    const { begin, answer } = this.#manners;
    begin?.(pd);
    return {
      ...(answer === undefined ? {} : { protected: (_, info) => this.#answer(pd, info, answer) }),
      notified: (channel) => {
        if (channel === pd.config.doorbell) this.#work(pd, channel);
        else this.#notified.set(channel, (this.#notified.get(channel) ?? 0) + 1);
      },
    };
  };

  /** Plugs in the line by which the test wakes it. */
  plugIn(line: IrqLine): void {
    this.#line = line;
  }

  /** Has something done by the domain itself, when it next runs. */
  do(task: (pd: ProtectionDomain) => void): void {
    this.#tasks.push(task);
    this.#line?.raise();
  }

  /** @returns how often it was notified on a channel since the last time */
  takeNotifications(channel: Channel): number {
    const count = this.#notified.get(channel) ?? 0;
    this.#notified.delete(channel);
    return count;
  }

  /** All calls of the unit so far. */
  get calls(): readonly PeerCall[] {
    return this.#calls;
  }

  #answer(pd: ProtectionDomain, info: MessageInfo, answer: PeerAnswer): MessageInfo {
    const call = { label: messageLabel(info), word: messageCount(info) > 0 ? pd.mr(0) : 0 };
    this.#calls.push(call);
    return messageInfo(answer(call.label, call.word), 0);
  }

  #work(pd: ProtectionDomain<DoorbellConfig>, doorbell: Channel): void {
    this.#line?.lower();
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task(pd);
    pd.irqAck(doorbell);
  }
}
