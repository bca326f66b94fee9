/**
 * One message queue: a list of messages in kernel memory, highest priority first, and the threads
 * that wait at it.
 */

import { assert } from '../../memory/assert.ts';
import type { KernelHeap } from '../heap.ts';
import { type Task, WaitQueue } from '../model-thread.ts';
import { MESSAGE_HEADER_BYTES } from './abi.ts';

/** A message in the kernel's heap: its bytes, behind a header. */
export interface Message {
  at: number;
  lengthBytes: number;
  priority: number;
  next: Message | null;
}

/**
 * `perMessage`: as Linux does. `preallocated`: a queue takes the memory for all its messages when
 * it is made.
 */
export type Allocation = 'perMessage' | 'preallocated';

export interface QueueOptions {
  readonly name: string;
  readonly mode: number;
  readonly ownerUid: number;
  readonly maxMessages: number;
  readonly messageBytes: number;
  readonly allocation: Allocation;
}

export class MessageQueue {
  readonly name: string;
  readonly mode: number;
  readonly ownerUid: number;
  readonly maxMessages: number;
  readonly messageBytes: number;
  readonly senders = new WaitQueue('priority');
  readonly receivers = new WaitQueue('priority');
  count = 0;
  /** Open descriptors; the queue dies with the last one after its name has gone. */
  references = 0;
  hasName = true;
  /** Who is told once that the queue is no longer empty. */
  notify: { readonly task: Task; readonly signal: number } | null = null;
  readonly #heap: KernelHeap;
  readonly #allocation: Allocation;
  #first: Message | null = null;
  /** Records of messages that are in use no more; of a preallocated queue with their memory. */
  #spare: Message | null = null;

  constructor(heap: KernelHeap, options: QueueOptions) {
    this.#heap = heap;
    this.#allocation = options.allocation;
    this.name = options.name;
    this.mode = options.mode;
    this.ownerUid = options.ownerUid;
    this.maxMessages = options.maxMessages;
    this.messageBytes = options.messageBytes;
    if (options.allocation === 'perMessage') return;
    for (let i = 0; i < options.maxMessages; i += 1) {
      const at = heap.allocate(MESSAGE_HEADER_BYTES + options.messageBytes);
      assert(at !== 0, 'the heap of the model holds a queue');
      this.#spare = { at, lengthBytes: 0, priority: 0, next: this.#spare };
    }
  }

  get isFull(): boolean {
    return this.count === this.maxMessages;
  }

  get isPreallocated(): boolean {
    return this.#allocation === 'preallocated';
  }

  /** What the queue is charged with at its owner's limit. */
  get chargedBytes(): number {
    return this.maxMessages * (MESSAGE_HEADER_BYTES + this.messageBytes);
  }

  /**
   * @returns memory for one message, null when there is none; its content is still to be filled in
   */
  makeMessage(lengthBytes: number, priority: number): Message | null {
    const spare = this.#spare;
    if (this.isPreallocated) {
      assert(spare !== null, 'a preallocated queue that is not full has memory');
      this.#spare = spare.next;
      spare.lengthBytes = lengthBytes;
      spare.priority = priority;
      return spare;
    }
    const at = this.#heap.allocate(MESSAGE_HEADER_BYTES + lengthBytes);
    if (at === 0) return null;
    if (spare === null) return { at, lengthBytes, priority, next: null };
    this.#spare = spare.next;
    spare.at = at;
    spare.lengthBytes = lengthBytes;
    spare.priority = priority;
    return spare;
  }

  /** Gives the memory of a message back. */
  drop(message: Message): void {
    if (!this.isPreallocated) {
      this.#heap.free(message.at, MESSAGE_HEADER_BYTES + message.lengthBytes);
    }
    message.next = this.#spare;
    this.#spare = message;
  }

  /** Behind the messages of the same priority. */
  insert(message: Message): void {
    assert(!this.isFull, 'a message goes into a queue with room');
    let before: Message | null = null;
    let after = this.#first;
    while (after !== null && after.priority >= message.priority) {
      before = after;
      after = after.next;
    }
    message.next = after;
    if (before === null) this.#first = message;
    else before.next = message;
    this.count += 1;
  }

  /**
   * @returns the oldest message of the highest priority, which is in the queue no more; null when
   * it is empty
   */
  takeFirst(): Message | null {
    const first = this.#first;
    if (first === null) return null;
    this.#first = first.next;
    this.count -= 1;
    return first;
  }

  /** The queue is gone: so is all its memory. */
  destroy(): void {
    for (let left = this.takeFirst(); left !== null; left = this.takeFirst()) this.drop(left);
    if (!this.isPreallocated) return;
    for (let spare = this.#spare; spare !== null; spare = spare.next) {
      this.#heap.free(spare.at, MESSAGE_HEADER_BYTES + this.messageBytes);
    }
    this.#spare = null;
  }
}

/** An open queue: what a descriptor stands for. */
export interface Descriptor {
  readonly queue: MessageQueue;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  isNonblocking: boolean;
}
