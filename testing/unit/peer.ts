/**
 * A scripted peer: a protection domain whose program does what a test tells it to, on its own
 * thread, and keeps count of who has notified it. Its queues are looked at and written from outside
 * (`queue-view.ts`), as it writes nothing of its own accord.
 */

import type { IrqLine } from '../../board/device.ts';
import type { Channel, EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';

/** What the builder gives each peer beside the record of its role. */
interface DoorbellConfig {
  readonly doorbell: Channel;
}

export type PeerInit = (pd: ProtectionDomain) => void;

export class Peer {
  readonly name: string;
  readonly #notified = new Map<Channel, number>();
  #tasks: ((pd: ProtectionDomain) => void)[] = [];
  readonly #begin: PeerInit | undefined;
  #line: IrqLine | undefined;

  /** @param begin what it does in its `init`, before the unit begins if it has the priority */
  constructor(name: string, begin?: PeerInit) {
    this.name = name;
    this.#begin = begin;
  }

  readonly program: Program<DoorbellConfig> = (pd): EntryPoints => {
    this.#begin?.(pd);
    return {
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

  #work(pd: ProtectionDomain<DoorbellConfig>, doorbell: Channel): void {
    this.#line?.lower();
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task(pd);
    pd.irqAck(doorbell);
  }
}
