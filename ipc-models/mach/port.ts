/** Ports, port sets and the messages in them. */

import { type Task, WaitQueue } from '../model-thread.ts';
import { QLIMIT_DEFAULT } from './abi.ts';
import type { OutOfLine } from './out-of-line.ts';

export type Right = 'receive' | 'send' | 'sendOnce';

/** A right on its way from one task to another. */
export interface CarriedRight {
  readonly port: Port;
  readonly right: Right;
  /** Taken from the sender; otherwise made, or made as a copy, for the message. */
  readonly isMoved: boolean;
}

/**
 * A message in kernel memory: header, body and room for the trailer, behind a header of the
 * kernel's own.
 */
export interface Kmsg {
  at: number;
  /** Without the trailer. */
  sizeBytes: number;
  /** The right that it is sent with; it is used up when the message is received. */
  target: CarriedRight;
  reply: CarriedRight | null;
  /** Rights and memory that its descriptors carry, in their order. */
  items: readonly CarriedItem[];
  next: Kmsg | null;
}

export type CarriedItem =
  | { readonly kind: 'right'; readonly at: number; readonly carried: CarriedRight }
  | { readonly kind: 'memory'; readonly at: number; readonly memory: OutOfLine };

export class PortSet {
  readonly members: Port[] = [];
  readonly receivers = new WaitQueue('fifo');
}

/** Who is told that a name has died. */
export interface DeadNameRequest {
  readonly task: Task;
  readonly name: number;
  readonly notify: Port;
}

export class Port {
  /** Whose the receive right is; null while it travels. */
  receiver: Task | null = null;
  receiverName = 0;
  /** Names that hold a send right, and send rights in messages. */
  sendRights = 0;
  sendOnceRights = 0;
  isDead = false;
  set: PortSet | null = null;
  limit = QLIMIT_DEFAULT;
  count = 0;
  sequence = 0;
  /** Told once that there are no send rights any more. */
  noSenders: Port | null = null;
  readonly deadNames: DeadNameRequest[] = [];
  readonly senders = new WaitQueue('fifo');
  readonly receivers = new WaitQueue('fifo');
  #first: Kmsg | null = null;
  #last: Kmsg | null = null;

  get first(): Kmsg | null {
    return this.#first;
  }

  append(message: Kmsg): void {
    message.next = null;
    if (this.#last === null) this.#first = message;
    else this.#last.next = message;
    this.#last = message;
    this.count += 1;
  }

  /** @returns the oldest message, in the queue no more; null when there is none */
  take(): Kmsg | null {
    const first = this.#first;
    if (first === null) return null;
    this.#first = first.next;
    if (this.#first === null) this.#last = null;
    this.count -= 1;
    return first;
  }
}
