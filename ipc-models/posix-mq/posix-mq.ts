/**
 * POSIX message queues (IEEE 1003.1, as Linux has them): queues with global path names, messages
 * copied into kernel memory by the sender and out of it by the receiver.
 *
 * Not modelled: groups, real signals (SIGWAIT stands for them), inheritance by fork, a notification
 * as a new thread.
 */

import type { ModelKernel, Model } from '../model-kernel.ts';
import type { ModelThread, Task } from '../model-thread.ts';
import {
  ATTR_CURMSGS,
  ATTR_FLAGS,
  ATTR_MAXMSG,
  ATTR_MSGSIZE,
  EAGAIN,
  EBADF,
  EBUSY,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENOMEM,
  ENOSYS,
  ETIMEDOUT,
  MESSAGE_HEADER_BYTES,
  MQ_CLOSE,
  MQ_GETSETATTR,
  MQ_NOTIFY,
  MQ_OPEN,
  MQ_PRIO_MAX,
  MQ_TIMEDRECEIVE,
  MQ_TIMEDSEND,
  MQ_UNLINK,
  O_NONBLOCK,
  SIGWAIT,
  TIMESPEC_NANOSECONDS,
  TIMESPEC_SECONDS,
} from './abi.ts';
import { QueueNames } from './names.ts';
import type { Allocation, Descriptor, Message, MessageQueue } from './queue.ts';

export interface PosixMqOptions {
  readonly allocation: Allocation;
}

export class PosixMq implements Model {
  readonly names: QueueNames;
  readonly #kernel: ModelKernel;
  /** By pid, then by descriptor. */
  readonly #open: (Descriptor | null)[][] = [];
  /** Messages of threads that wait for room, and where a thread waits; by thread id. */
  readonly #held: (Message | null)[] = [];
  readonly #waitsAt: (MessageQueue | null)[] = [];
  /** Signals that have come, one bit each, and who waits for one; by pid. */
  readonly #signals: number[] = [];
  readonly #signalWaiters: ModelThread[] = [];

  constructor(kernel: ModelKernel, options: PosixMqOptions = { allocation: 'perMessage' }) {
    this.#kernel = kernel;
    this.names = new QueueNames(kernel, options.allocation);
    kernel.install(this);
  }

  systemCall(thread: ModelThread): void {
    switch (thread.callNumber) {
      case MQ_TIMEDSEND:
        return this.#send(thread);
      case MQ_TIMEDRECEIVE:
        return this.#receive(thread);
      case MQ_OPEN:
        return this.#openQueue(thread);
      case MQ_UNLINK:
        return thread.answer(this.names.unlink(thread.task, thread.argument(0)));
      case MQ_CLOSE:
        return thread.answer(this.#close(thread.task, thread.argument(0)));
      case MQ_NOTIFY:
        return thread.answer(this.#notify(thread));
      case MQ_GETSETATTR:
        return thread.answer(this.#getSetAttributes(thread));
      case SIGWAIT:
        return this.#waitForSignal(thread);
      default:
        return thread.answer(-ENOSYS);
    }
  }

  timedOut(thread: ModelThread): void {
    const held = this.#held[thread.id] ?? null;
    if (held !== null) this.#waitsAt[thread.id]?.drop(held);
    this.#kernel.wake(thread);
    this.#stopWaiting(thread);
    thread.answer(-ETIMEDOUT);
  }

  /** The last thread of a task closes what the task has open. */
  ended(thread: ModelThread): void {
    const { task } = thread;
    const isLast = !this.#kernel.threads.some(
      (other) => other.task === task && other.tcb.state !== 'inactive',
    );
    if (!isLast) return;
    this.#open[task.pid]?.forEach((_, fd) => this.#close(task, fd));
  }

  // ----------------------------------------------------------------------------------- descriptors

  #openQueue(thread: ModelThread): void {
    const opened = this.names.open(thread);
    if (typeof opened === 'number') return thread.answer(opened);
    const table = (this.#open[thread.task.pid] ??= []);
    const free = table.indexOf(null);
    const fd = free < 0 ? table.length : free;
    table[fd] = opened;
    thread.answer(fd);
  }

  #lookup(task: Task, fd: number): Descriptor | null {
    this.#kernel.counters.nameLookups += 1;
    return this.#open[task.pid]?.[fd] ?? null;
  }

  #close(task: Task, fd: number): number {
    const descriptor = this.#lookup(task, fd);
    if (descriptor === null) return -EBADF;
    (this.#open[task.pid] as (Descriptor | null)[])[fd] = null;
    const { queue } = descriptor;
    if (queue.notify?.task === task) queue.notify = null;
    this.names.release(queue);
    return 0;
  }

  // -------------------------------------------------------------------------------------- messages

  #send(thread: ModelThread): void {
    const priority = thread.argument(3);
    const length = thread.argument(2);
    if (priority >= MQ_PRIO_MAX) return thread.answer(-EINVAL);
    const descriptor = this.#lookup(thread.task, thread.argument(0));
    if (descriptor === null || !descriptor.canWrite) return thread.answer(-EBADF);
    const { queue } = descriptor;
    if (length > queue.messageBytes) return thread.answer(-EMSGSIZE);
    // Linux copies the message before it looks whether there is room.
    if (queue.isFull && queue.isPreallocated) return this.#waitForRoom(thread, descriptor, null);
    const message = this.#copyIn(thread, queue);
    if (typeof message === 'number') return thread.answer(message);
    if (queue.isFull) return this.#waitForRoom(thread, descriptor, message);
    thread.answer(0);
    this.#deliver(queue, message);
  }

  /** @returns the message in kernel memory, or an error */
  #copyIn(thread: ModelThread, queue: MessageQueue): Message | number {
    const length = thread.argument(2);
    const message = queue.makeMessage(length, thread.argument(3));
    if (message === null) return -ENOMEM;
    const at = message.at + MESSAGE_HEADER_BYTES;
    if (!thread.task.space.copyIn(thread.argument(1), at, length)) {
      queue.drop(message);
      return -EFAULT;
    }
    this.#countCopy(length);
    return message;
  }

  #waitForRoom(thread: ModelThread, descriptor: Descriptor, message: Message | null): void {
    const { queue } = descriptor;
    const atNs = descriptor.isNonblocking ? -EAGAIN : this.#deadline(thread, thread.argument(4));
    if (atNs < 0) {
      if (message !== null) queue.drop(message);
      return thread.answer(atNs);
    }
    this.#held[thread.id] = message;
    this.#wait(thread, queue, 'blockedOnSend', atNs);
  }

  /**
   * A queue at which a thread waits does not go away, even if its descriptor is closed by another
   * thread.
   */
  #wait(
    thread: ModelThread,
    queue: MessageQueue,
    state: 'blockedOnSend' | 'blockedOnReceive',
    atNs: number,
  ): void {
    queue.references += 1;
    this.#waitsAt[thread.id] = queue;
    const place = state === 'blockedOnSend' ? queue.senders : queue.receivers;
    this.#kernel.block(thread, state, place);
    if (atNs !== Infinity) this.#kernel.setTimeout(thread, atNs);
  }

  #stopWaiting(thread: ModelThread): void {
    const queue = this.#waitsAt[thread.id] ?? null;
    this.#held[thread.id] = null;
    this.#waitsAt[thread.id] = null;
    if (queue !== null) this.names.release(queue);
  }

  /** To whoever waits, or into the queue. */
  #deliver(queue: MessageQueue, message: Message): void {
    const receiver = queue.receivers.take();
    if (receiver !== null) {
      this.#copyOut(receiver, queue, message);
      this.#kernel.wake(receiver);
      this.#stopWaiting(receiver);
      return;
    }
    queue.insert(message);
    if (queue.count === 1 && queue.notify !== null) {
      const { task, signal } = queue.notify;
      queue.notify = null;
      this.#raise(task, signal);
    }
  }

  #receive(thread: ModelThread): void {
    const descriptor = this.#lookup(thread.task, thread.argument(0));
    if (descriptor === null || !descriptor.canRead) return thread.answer(-EBADF);
    const { queue } = descriptor;
    if (thread.argument(2) < queue.messageBytes) return thread.answer(-EMSGSIZE);
    const message = queue.takeFirst();
    if (message !== null) {
      this.#copyOut(thread, queue, message);
      this.#admitSender(queue);
      return;
    }
    const atNs = descriptor.isNonblocking ? -EAGAIN : this.#deadline(thread, thread.argument(4));
    if (atNs < 0) return thread.answer(atNs);
    this.#wait(thread, queue, 'blockedOnReceive', atNs);
  }

  /**
   * Into the receiver's buffer, which its registers still name; the memory of the message is free
   * again.
   */
  #copyOut(receiver: ModelThread, queue: MessageQueue, message: Message): void {
    const { space } = receiver.task;
    const { lengthBytes, priority } = message;
    const isCopied = space.copyOut(
      message.at + MESSAGE_HEADER_BYTES,
      receiver.argument(1),
      lengthBytes,
    );
    const priorityAt = receiver.argument(3);
    const isTold = priorityAt === 0 || this.#storeWord(receiver.task, priorityAt, priority);
    queue.drop(message);
    if (isCopied) this.#countCopy(lengthBytes);
    receiver.answer(isCopied && isTold ? lengthBytes : -EFAULT, priority);
  }

  /** There is room for one message: the first thread that waits to send goes on. */
  #admitSender(queue: MessageQueue): void {
    const sender = queue.senders.take();
    if (sender === null) return;
    const message = this.#held[sender.id] ?? this.#copyIn(sender, queue);
    this.#kernel.wake(sender);
    if (typeof message !== 'number') queue.insert(message);
    sender.answer(typeof message === 'number' ? message : 0);
    this.#stopWaiting(sender);
  }

  #countCopy(lengthBytes: number): void {
    if (lengthBytes === 0) return;
    this.#kernel.counters.copies += 1;
    this.#kernel.counters.bytesCopied += lengthBytes;
  }

  // --------------------------------------------------------------------- time, signals, attributes

  /**
   * @returns when a wait ends, Infinity for never; negative for an error, such as a time that has
   * passed
   */
  #deadline(thread: ModelThread, timespecAt: number): number {
    if (timespecAt === 0) return Infinity;
    const seconds = this.#loadWord(thread.task, timespecAt + TIMESPEC_SECONDS);
    const nanoseconds = this.#loadWord(thread.task, timespecAt + TIMESPEC_NANOSECONDS);
    if (seconds < 0 || nanoseconds < 0) return -EFAULT;
    if (nanoseconds >= 1e9) return -EINVAL;
    const atNs = seconds * 1e9 + nanoseconds;
    return atNs <= this.#kernel.now() ? -ETIMEDOUT : atNs;
  }

  #notify(thread: ModelThread): number {
    const descriptor = this.#lookup(thread.task, thread.argument(0));
    if (descriptor === null) return -EBADF;
    const { queue } = descriptor;
    const signal = thread.argument(1);
    if (signal > 31) return -EINVAL;
    if (signal === 0) {
      if (queue.notify?.task === thread.task) queue.notify = null;
      return 0;
    }
    if (queue.notify !== null) return -EBUSY;
    queue.notify = { task: thread.task, signal };
    return 0;
  }

  #raise(task: Task, signal: number): void {
    const at = this.#signalWaiters.findIndex(
      (waiter) => waiter.task === task && waiter.argument(0) === signal,
    );
    if (at < 0) {
      this.#signals[task.pid] = (this.#signals[task.pid] ?? 0) | (1 << signal);
      return;
    }
    const [waiter] = this.#signalWaiters.splice(at, 1) as [ModelThread];
    waiter.answer(signal);
    this.#kernel.wake(waiter);
  }

  #waitForSignal(thread: ModelThread): void {
    const signal = thread.argument(0);
    const pending = this.#signals[thread.task.pid] ?? 0;
    if ((pending & (1 << signal)) !== 0) {
      this.#signals[thread.task.pid] = pending & ~(1 << signal);
      return thread.answer(signal);
    }
    this.#signalWaiters.push(thread);
    this.#kernel.block(thread, 'blockedOnReceive', null);
  }

  #getSetAttributes(thread: ModelThread): number {
    const descriptor = this.#lookup(thread.task, thread.argument(0));
    if (descriptor === null) return -EBADF;
    const { queue } = descriptor;
    const newAt = thread.argument(1);
    const oldAt = thread.argument(2);
    const { task } = thread;
    const flags = newAt === 0 ? 0 : this.#loadWord(task, newAt + ATTR_FLAGS);
    if (flags < 0) return -EFAULT;
    if ((flags & ~O_NONBLOCK) !== 0) return -EINVAL;
    if (oldAt !== 0) {
      const isStored =
        this.#storeWord(task, oldAt + ATTR_FLAGS, descriptor.isNonblocking ? O_NONBLOCK : 0) &&
        this.#storeWord(task, oldAt + ATTR_MAXMSG, queue.maxMessages) &&
        this.#storeWord(task, oldAt + ATTR_MSGSIZE, queue.messageBytes) &&
        this.#storeWord(task, oldAt + ATTR_CURMSGS, queue.count);
      if (!isStored) return -EFAULT;
    }
    if (newAt !== 0) descriptor.isNonblocking = flags !== 0;
    return 0;
  }

  #loadWord(task: Task, vaddr: number): number {
    const at = task.space.locateWord(vaddr);
    return at < 0 ? -1 : (this.#kernel.frames.ram.u32[at >> 2] as number);
  }

  #storeWord(task: Task, vaddr: number, value: number): boolean {
    const at = task.space.locateWordForWriting(vaddr);
    if (at < 0) return false;
    this.#kernel.frames.ram.u32[at >> 2] = value;
    return true;
  }
}
