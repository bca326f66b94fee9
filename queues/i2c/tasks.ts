/**
 * I2C a step after another: a task is a generator that yields transactions and is given their
 * results. It waits for each, and the program does not: it returns to its event loop.
 *
 *     function* seconds(): I2cTask {
 *       const { error, reads } = yield { address: 0x68, operations: [writeRead(0, 1)] };
 *       if (error === I2C_OK) pd.log(`${reads[0]?.[0]}`);
 *     }
 *     tasks.start(seconds());
 */

import type { Connections } from '../restart/member.ts';
import type { I2cBusClient, I2cOperation, I2cResult } from './client.ts';

/** What a task yields: commands to one address, one after the other. */
export interface I2cTransaction {
  readonly address: number;
  readonly operations: readonly I2cOperation[];
}

/** Yields transactions, and is given their results. */
export type I2cTask = Generator<I2cTransaction, void, I2cResult>;

interface Waiting {
  readonly task: I2cTask;
  readonly transaction: I2cTransaction;
}

/** Runs tasks beside each other on one bus; each waits for its own transactions alone. */
export class I2cTasks implements Connections {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  readonly #bus: I2cBusClient;
  /** Whose transaction had no room, oldest first. */
  readonly #waiting: Waiting[] = [];

  constructor(bus: I2cBusClient) {
    this.#bus = bus;
  }

  /** Runs the task to its first transaction. */
  start(task: I2cTask): void {
    this.#goOn(task, task.next());
  }

  /** To be called on every notification. */
  notified(): void {
    this.#bus.notified();
    this.#submitWaiting();
  }

  /** The virtualiser is down: tasks wait. */
  close(): void {
    this.#bus.close();
  }

  /** Another virtualiser runs: what was under way has failed, and its task is told so. */
  open(): void {
    this.#bus.open();
    this.#submitWaiting();
  }

  #submitWaiting(): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0] as Waiting;
      if (this.#submit(first) === 'no room') return;
      this.#waiting.shift();
    }
  }

  #goOn(task: I2cTask, next: IteratorResult<I2cTransaction, void>): void {
    if (next.done === true) return;
    const waiting = { task, transaction: next.value };
    const waits = this.#waiting.length > 0 || this.#submit(waiting) === 'no room';
    if (waits) this.#waiting.push(waiting);
  }

  #submit({ task, transaction }: Waiting): 'sent' | 'no room' {
    const { address, operations } = transaction;
    return this.#bus.submit(address, operations, (result) => this.#goOn(task, task.next(result)));
  }
}
